# findutils, diffutils, patch, grep, sed, gawk, file on the headers in /usr/include/linux
cp -r /usr/include/linux a; cp -r a b; find b -name '*.h' -size -2k -newermt 2000-01-01 -print0 | sort -z | head -zn 100 | xargs -0 -n 10 -P 4 sed -i 's/__u32/uint32_t/g; $a /* end */'
find a -type f | wc -l; find a -maxdepth 1 -type d | sort | md5sum; find a -name '*io*.h' -exec grep -l struct {} + | sort | md5sum; find b -name 'i*.h' -delete; find b -regextype egrep -regex '.*/[a-c].*' -printf '%f %s\n' | sort | md5sum
diff -ru a b | grep -v '^[-+][-+][-+]' | md5sum; diff -rq a b | wc -l; (cd a && diff -Naur . ../b >../p); patch -sd a -p1 <p && diff -r a b && echo patched; patch -Rsd a -p1 <p; find a -type f | wc -l
cmp a/fs.h b/fs.h; sdiff -w 60 a/tty.h b/tty.h | head -3; diff3 -m a/fs.h a/fs.h b/fs.h | md5sum
grep -rhoE '\b[A-Z][A-Z0-9_]{5,}\b' a | sort | uniq -c | sort -k1,1nr -k2 | head -5; grep -rP '(?<=define )\w+(?= 0x)' a | wc -l
cat a/*.h | gawk '{ for (i = 1; i <= NF; i++) n[$i]++ } END { for (w in n) if (n[w] > 200) print n[w], w }' | sort -k1nr -k2 | head -5; gawk 'BEGIN { printf "%.6f %d %s\n", atan2(1, 2) ^ 3, 2 ^ 53, toupper(substr("hello", 2)); while (("echo piped" | getline x) > 0) print x; "date -u -d @0 +%Y" | getline y; print y; print length(sprintf("%1000s", "")) | "cat" }'
cat a/*.h | sed -nE 's/^#define ([A-Z]+)_([A-Z]+) (.*)/\2 \1 = \3/p' | md5sum; sed -s -n '1p;$p' a/t*.h | md5sum; file -b --mime-type a/fs.h /bin/sh.none | head -2
find a -type f -print0 | xargs -0 cat | tr -cs A-Za-z '\n' | sort -f | uniq -ci | sort -rn | head -3
