# trees locally, through a remote shell with filters and three at once, incremental deltas, hard links, sparse files, deletion, compressed
cp -r /usr/include/linux a; ln a/fs.h a/hard; ln -s fs.h a/soft; truncate -s 5M a/sparse; seq 300000 >a/big
rsync -aHS --stats a/ b | grep -E 'Number of (files|regular)|Total file size'; diff -r a b && stat -c %h b/hard; sed -i 1000d a/big; touch -d @100000 a/big; rm a/tty.h; echo new >a/new; rsync -aHi --no-whole-file --delete a/ b | sort | head; rsync -acn --delete --itemize-changes a/ b | wc -l
printf '#!/bin/sh\nshift\nexec "$@"\n' >shell; chmod 755 shell; export RSYNC_RSH=$PWD/shell; mkdir srv
rsync -az --exclude='*b*.h' a/ "host:$PWD/srv"; find srv -type f | wc -l; find srv -name '*b*.h' | wc -l; sed -i 's/12345/54321/' a/big; rsync -az --zc=zstd --no-whole-file --stats a/big "host:$PWD/srv" | grep -E 'Literal|Matched'; cmp a/big srv/big && echo equal
for i in 1 2 3; do rsync -a "host:$PWD/srv/" c$i & done; wait; diff -r c1 c2 && diff -r c2 c3 && echo same; rsync -a --link-dest="$PWD/c1" c2/ d; find d -type f -links +1 | wc -l; rsync --bwlimit=5000 --partial --checksum-choice=md5 -a a/big e; md5sum e
printf 'use chroot = no\n[m]\npath = %s/srv\n' "$PWD" >conf; rsync --config=conf --server --daemon . </dev/null | tr -d '\0' | cut -c 1-9
