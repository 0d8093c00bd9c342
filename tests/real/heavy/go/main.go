// Deterministic output from what Go's run-time system does.
package main

/*
#include <stdlib.h>
static int cmp(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static void sort(int *v, int n) { qsort(v, n, sizeof *v, cmp); }
*/
import "C"

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var sink int

// Never calls anything: only a preemption signal takes it off its thread.
func spin(stop *int32, n *int) {
	for atomic.LoadInt32(stop) == 0 {
		*n++
	}
}

func busy() { // No function call, no atomic: asynchronous preemption only.
	for {
		sink++
	}
}

func preemption() {
	runtime.GOMAXPROCS(1)
	go busy()
	time.Sleep(time.Millisecond)
	for i := 0; i < 3; i++ {
		runtime.Gosched()
		runtime.GC()
	}
	fmt.Println("preempted")
	runtime.GOMAXPROCS(4)
	var stop int32
	counts := make([]int, 4)
	var group sync.WaitGroup
	for i := range counts {
		group.Add(1)
		go func() { defer group.Done(); spin(&stop, &counts[i]) }()
	}
	time.Sleep(20 * time.Millisecond)
	atomic.StoreInt32(&stop, 1)
	group.Wait()
	fmt.Println("spun")
}

func channels() {
	jobs, results := make(chan int), make(chan int, 16)
	var group sync.WaitGroup
	for w := 0; w < 50; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := range jobs {
				results <- j * j
			}
		}()
	}
	go func() {
		for i := 0; i < 20000; i++ {
			jobs <- i
		}
		close(jobs)
		group.Wait()
		close(results)
	}()
	sum := 0
	for r := range results {
		sum += r
	}
	fmt.Println("channels", sum)
	first := make(chan int)
	in := first
	for i := 0; i < 2000; i++ {
		out := make(chan int)
		go func(a, b chan int) { b <- 1 + <-a }(in, out)
		in = out
	}
	first <- 0
	fmt.Println("chain", <-in)
	var mutex sync.RWMutex
	m := map[int]int{}
	for w := 0; w < 8; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 5000; i++ {
				mutex.Lock()
				m[i%100]++
				mutex.Unlock()
				mutex.RLock()
				_ = m[i%100]
				mutex.RUnlock()
			}
		}()
	}
	group.Wait()
	fmt.Println("mutex", m[7], len(m))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	select {
	case <-ctx.Done():
		fmt.Println("timeout", errors.Is(ctx.Err(), context.DeadlineExceeded))
	case <-time.After(10 * time.Second):
		fmt.Println("late")
	}
}

type node struct{ left, right *node }

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func collect() {
	total := 0
	var group sync.WaitGroup
	var mutex sync.Mutex
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 10; j++ {
				n := tree(12).count()
				mutex.Lock()
				total += n
				mutex.Unlock()
			}
		}()
	}
	group.Wait()
	fmt.Println("trees", total)
}

func fault(name string, f func()) {
	defer func() {
		r := recover()
		if e, ok := r.(runtime.Error); ok {
			fmt.Println(name, e.Error())
		} else {
			fmt.Println(name, r)
		}
	}()
	f()
}

func deep(n int) int {
	var pad [64]int
	pad[n%64] = n
	if n == 0 {
		return 0
	}
	return deep(n-1) + pad[n%64] - n + 1
}

func faults() {
	var p *node
	var m map[string]int
	var s []int
	zero := 0
	for i := 0; i < 3; i++ {
		fault("nil", func() { sink = len(fmt.Sprint(p.left)) })
		fault("map", func() { m["a"] = 1 })
		fault("bounds", func() { sink = s[len(s)+i] })
		fault("divide", func() { sink = 1 / zero })
		fault("type", func() { var x any = "s"; sink = x.(int) })
	}
	debug.SetPanicOnFault(true)
	fault("other", func() {
		go func() {}()
		panic(fmt.Errorf("wrapped: %w", io.EOF))
	})
	fmt.Println("deep", deep(100000))
}

func web() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%x", sha256.Sum256(body))
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	answers := make([]string, 100)
	var group sync.WaitGroup
	for i := range answers {
		group.Add(1)
		go func() {
			defer group.Done()
			body := strings.Repeat(fmt.Sprint(i), 5000)
			r, err := http.Post("http://"+listener.Addr().String()+"/echo", "text/plain", strings.NewReader(body))
			if err != nil {
				answers[i] = err.Error()
				return
			}
			defer r.Body.Close()
			text, _ := io.ReadAll(r.Body)
			answers[i] = string(text)
		}()
	}
	group.Wait()
	fmt.Printf("http %x\n", sha256.Sum256([]byte(strings.Join(answers, ","))))
	fmt.Println("shutdown", server.Shutdown(context.Background()))
}

func system() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGHUP)
	for i := 0; i < 3; i++ {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		fmt.Println("signal", <-signals)
	}
	out, err := exec.Command("sh", "-c", "echo child; kill -9 $$").Output()
	fmt.Println(strings.TrimSpace(string(out)), err)
	command := exec.Command("cat")
	command.Stdin = strings.NewReader("through cat")
	out, err = command.Output()
	fmt.Println(string(out), err)
	values := []C.int{5, 3, 9, 1}
	C.sort(&values[0], 4)
	fmt.Println("cgo", values)
}

func compute() {
	f := big.NewInt(1)
	for i := int64(1); i < 800; i++ {
		f.Mul(f, big.NewInt(i))
	}
	fmt.Println("big", f.BitLen())
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(bytes.Repeat([]byte("go gopher "), 50000))
	z.Close()
	r, _ := gzip.NewReader(&packed)
	text, _ := io.ReadAll(r)
	fmt.Println("gzip", len(text))
	v := make([]float64, 200000)
	x := uint32(1)
	for i := range v {
		x = x*1664525 + 1013904223
		v[i] = float64(x) / 7
	}
	sort.Float64s(v)
	fmt.Println("sort", v[0], v[100000], v[199999])
	j, _ := json.Marshal(map[string]any{"b": []int{1, 2}, "a": 1.5, "c": nil})
	fmt.Println(string(j))
}

func main() {
	compute()
	channels()
	collect()
	faults()
	web()
	system()
	preemption()
}
