echo '#include "calc.h"'
echo 'const long fibonacci[] = {'
a=0 b=1
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    echo "    $a,"
    c=$((a + b)) a=$b b=$c
done
echo '};'
