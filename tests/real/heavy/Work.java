import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

/** Deterministic output from what a Java machine does at run time; the argument divides the amount of work. */
public class Work {
    static int divisor = 1;

    static final class Node {
        int value;
        Node next;
        Node(int value, Node next) { this.value = value; this.next = next; }
    }

    interface Shape { double area(); }
    record Square(double side) implements Shape { public double area() { return side * side; } }
    record Circle(double radius) implements Shape { public double area() { return 3 * radius * radius; } }
    record Line() implements Shape { public double area() { return 0; } }

    static long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

    static int nulls(Node[] nodes) {
        int caught = 0;
        for (Node node : nodes) {
            try {
                caught += node.next.value & 1;
            } catch (NullPointerException e) {
                caught += 2;
            }
        }
        return caught;
    }

    static int depth = 0;
    static void recurse() { depth++; recurse(); }

    static double matrices() {
        int n = 120;
        double[][] a = new double[n][n], b = new double[n][n], c = new double[n][n];
        for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) { a[i][j] = i + j; b[i][j] = i - j; }
        for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++) sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
        return c[17][93] + c[119][0];
    }

    static void threads() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(6);
        AtomicLong atomic = new AtomicLong();
        long[] guarded = new long[1];
        Object lock = new Object();
        ConcurrentHashMap<Integer, Integer> map = new ConcurrentHashMap<>();
        List<Future<Long>> results = new ArrayList<>();
        for (int t = 0; t < 6; t++) {
            int id = t;
            results.add(pool.submit(() -> {
                long local = 0;
                for (int i = 0; i < 60000 / divisor; i++) {
                    atomic.incrementAndGet();
                    synchronized (lock) { guarded[0]++; }
                    map.merge(i % 97, 1, Integer::sum);
                    local += (long) i * id;
                }
                return local;
            }));
        }
        long sum = 0;
        for (Future<Long> result : results) sum += result.get();
        pool.shutdown();
        System.out.println("threads " + sum + " " + atomic.get() + " " + guarded[0] + " "
                + map.values().stream().mapToInt(Integer::intValue).sum());
        SynchronousQueue<Integer> queue = new SynchronousQueue<>();
        Thread producer = new Thread(() -> {
            try { for (int i = 0; i < 2000; i++) queue.put(i); } catch (InterruptedException e) { }
        });
        producer.start();
        int got = 0;
        for (int i = 0; i < 2000; i++) got += queue.take();
        Thread sleeper = new Thread(() -> {
            try { Thread.sleep(1000000); } catch (InterruptedException e) { System.out.println("interrupted"); }
        });
        sleeper.start();
        sleeper.interrupt();
        sleeper.join();
        // A loop that has no call in it: only a safepoint poll lets the collector stop it.
        AtomicBoolean stop = new AtomicBoolean();
        Thread spinner = new Thread(() -> { int x = 0; while (!stop.get()) x++; });
        spinner.start();
        for (int i = 0; i < 3; i++) System.gc();
        stop.set(true);
        spinner.join();
        System.out.println("queue " + got);
        try (var virtual = Executors.newVirtualThreadPerTaskExecutor()) {
            System.out.println("virtual " + IntStream.range(0, 500)
                    .mapToObj(i -> virtual.submit(() -> { Thread.sleep(1); return i; })).toList().stream()
                    .mapToInt(f -> { try { return f.get(); } catch (Exception e) { return -1; } }).sum());
        }
    }

    static void collect() {
        List<byte[]> kept = new ArrayList<>();
        long total = 0;
        for (int i = 0; i < 60000 / divisor; i++) {
            byte[] b = new byte[1000 + i % 2000];
            b[i % 1000] = (byte) i;
            if (i % 100 == 0) kept.add(b);
            total += b.length;
        }
        Node list = null;
        for (int i = 0; i < 300000 / divisor; i++) list = new Node(i, list);
        long sum = 0;
        for (Node n = list; n != null; n = n.next) sum += n.value;
        System.out.println("collect " + kept.size() + " " + total + " " + sum);
    }

    public static void main(String[] args) throws Exception {
        if (args.length > 0) divisor = Integer.parseInt(args[0]);
        System.out.println("fib " + fib(divisor == 1 ? 30 : 20));
        Node[] nodes = new Node[1000];
        for (int i = 0; i < nodes.length; i++) nodes[i] = i % 7 == 0 ? null : new Node(i, i % 5 == 0 ? null : new Node(i, null));
        int caught = 0;
        for (int i = 0; i < 300 / divisor; i++) caught += nulls(nodes);
        System.out.println("nulls " + caught);
        for (int i = 0; i < 3; i++) {
            depth = 0;
            try { recurse(); } catch (StackOverflowError e) { System.out.println("overflow " + (depth > 1000)); }
        }
        int bounds = 0, zero = 0;
        for (int i = 0; i < 100000 / divisor; i++) {
            try { bounds += nodes[i % 1003] == null ? 1 : 0; } catch (ArrayIndexOutOfBoundsException e) { bounds += 5; }
            try { zero += 100 / (i % 3); } catch (ArithmeticException e) { zero++; }
        }
        System.out.println("bounds " + bounds + " " + zero);
        double area = 0;
        Shape[] shapes = {new Square(2), new Circle(1.5), new Line()};
        for (int i = 0; i < 2000000 / divisor; i++) area += shapes[i % (i < 1000000 / divisor ? 2 : 3)].area();
        System.out.println("area " + area);
        for (int i = 0; i < 10 / Math.min(divisor, 10); i++) if (i == 0) System.out.println("matrix " + matrices()); else matrices();
        System.out.println("streams " + IntStream.rangeClosed(1, 100000 / divisor).parallel().filter(i -> i % 3 == 0).mapToLong(i -> (long) i * i).sum());
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20000; i++) text.append(Integer.toHexString(i * 31)).append(i % 2 == 0 ? "é" : " ");
        System.out.println("text " + text.toString().hashCode() + " " + text.toString().split(" ").length);
        System.out.println("float " + Math.sin(1e6) + " " + (float) 1 / 3 + " " + (int) Double.NaN + " " + (long) 1e30 + " " + Math.fma(1.1, 2.2, 3.3));
        System.out.println("format " + String.format(Locale.ROOT, "%08.3f %x %,d", Math.PI, 255, 123456789));
        threads();
        collect();
        try { Object o = "text"; Integer i = (Integer) o; } catch (ClassCastException e) { System.out.println("cast"); }
        Process child = new ProcessBuilder("sh", "-c", "echo child; exit 3").start();
        System.out.println(new String(child.getInputStream().readAllBytes()).trim() + " " + child.waitFor());
    }
}
