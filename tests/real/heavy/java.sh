# javac, then the interpreter, C1 alone, C2 alone and tiered with four collectors: threads, locks, implicit null checks, deep stacks
java=$(echo /usr/lib/jvm/java-21-openjdk-*/bin)
"$java"/javac -d . /work/Work.java
for mode in -Xint '-XX:TieredStopAtLevel=1' '-XX:-TieredCompilation' -XX:+UseSerialGC -XX:+UseParallelGC -XX:+UseG1GC -XX:+UseZGC; do
    echo "$mode"
    "$java"/java -Xmx512m $mode -cp . Work $([ $mode = -Xint ] && echo 20)
done
