# tar with bzip2, gzip, xz -T2, zstd -T2, brotli, lzma: round trips of 1 MB, sparse files, incremental, corrupted input
tar -C /usr/include --sort=name --mtime=@0 --owner=0 --group=0 -cf t.tar linux asm-generic c++ 2>/dev/null || tar -C /usr/include --sort=name --mtime=@0 --owner=0 --group=0 -cf t.tar linux asm-generic
head -c 1200000 t.tar >t
for c in 'gzip -9' 'bzip2 -9' 'xz -T2 -6 --block-size=300KiB' 'zstd -T2 -12 -q' 'zstd --ultra -20 -q' 'brotli -q 6' 'xz --format=lzma -3'; do $c -c t >z; stat -c %s z; ${c%% *} $([ "${c%% *}" = xz ] && echo -T2) -dc <z | cmp - t && echo "$c"; done
for c in gzip bzip2 xz zstd; do $c -qc t >z; printf XXXX | dd of=z bs=1 seek=100000 conv=notrunc 2>/dev/null; $c -dqc z >/dev/null 2>&1; echo "$c $(($? != 0))"; done
tar -xf t.tar && tar -cJf - linux | tar -tJ | sort | md5sum; tar --zstd -cf z.tar.zst linux; tar -xOf z.tar.zst linux/fs.h | md5sum
truncate -s 10M sparse; echo x >>sparse; tar -cSf s.tar sparse; stat -c %s s.tar; rm sparse; tar -xf s.tar; md5sum sparse; bunzip2 -t z 2>/dev/null; xz -l --robot <(xz -c t) 2>/dev/null | wc -l; zstd -b1 -i0 t >/dev/null 2>&1; zstdgrep -c struct z.tar.zst 2>/dev/null; ls linux | cpio -o 2>/dev/null | wc -c; echo done
