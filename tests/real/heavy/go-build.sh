# go build of a program with goroutines and cgo, from nothing (the run-time system and fmt are compiled too), and go vet
export GOCACHE=/tmp/gocache GOTOOLCHAIN=local GOPATH=/tmp/gopath GOFLAGS=-mod=mod
printf 'module x\n\ngo 1.22\n' >go.mod
cat >main.go <<'G'
package main

/*
#include <stdlib.h>
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static void sort(int *v, int n) { qsort(v, n, sizeof *v, compare); }
*/
import "C"
import "fmt"

func main() {
	values := []C.int{5, 3, 9, 1}
	C.sort(&values[0], 4)
	fmt.Println(values)
	c := make(chan int)
	for i := 0; i < 1000; i++ {
		go func() { c <- i }()
	}
	sum := 0
	for i := 0; i < 1000; i++ {
		sum += <-c
	}
	fmt.Println(sum)
}
G
go build -p 2 -o prog . && ./prog && go vet . && go version | cut -d ' ' -f 1-3
