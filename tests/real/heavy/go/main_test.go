package main

import (
	"testing"
	"time"
)

func TestDeep(t *testing.T) {
	if deep(1000) != 1000 {
		t.Fatal("deep")
	}
}

func TestParallel(t *testing.T) {
	for i := 0; i < 8; i++ {
		t.Run("sub", func(t *testing.T) { t.Parallel(); time.Sleep(time.Millisecond) })
	}
}
