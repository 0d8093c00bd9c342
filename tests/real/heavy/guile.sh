# guile: its compiler and just-in-time code, tail calls, continuations, bignums, threads, hash tables, exceptions, records, ports
cat >t.scm <<'S'
(use-modules (srfi srfi-1) (srfi srfi-9) (ice-9 threads) (ice-9 format) (ice-9 regex) (ice-9 popen) (ice-9 rdelim))
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(format #t "~a ~a~%" (fib 25) (modulo (expt 3 1000) (expt 10 20)))
(define (loop n acc) (if (zero? n) acc (loop (- n 1) (+ acc n)))) (format #t "~a~%" (loop 1000000 0))
(define k #f) (define count 0) (format #t "~a~%" (+ 1 (call/cc (lambda (c) (set! k c) 1)))) (set! count (+ count 1)) (if (< count 3) (k count))
(define p (make-prompt-tag)) (format #t "~a~%" (call-with-prompt p (lambda () (+ 1 (abort-to-prompt p 5))) (lambda (c x) (+ (c x) (c 10)))))
(define m (make-mutex)) (define total 0)
(for-each join-thread (map (lambda (i) (call-with-new-thread (lambda () (do ((j 0 (+ j 1))) ((= j 3000)) (with-mutex m (set! total (+ total i))))))) (iota 5)))
(format #t "~a ~a~%" total (apply + (par-map (lambda (x) (* x x)) (iota 100))))
(define h (make-hash-table)) (do ((i 0 (+ i 1))) ((= i 100000)) (hash-set! h (modulo (* i 31) 5003) i)) (format #t "~a ~a~%" (hash-count (const #t) h) (hash-ref h 17))
(define-record-type point (make-point x y) point? (x px set-px!) (y py)) (format #t "~a~%" (px (make-point 3 4)))
(format #t "~a ~a~%" (catch #t (lambda () (car 5)) (lambda (key . args) key)) (catch 'my (lambda () (throw 'my 42)) (lambda (key x) x)))
(define (deep n) (if (zero? n) 0 (+ 1 (deep (- n 1))))) (format #t "~a~%" (deep 200000))
(format #t "~a ~a ~,4f ~a~%" (sort (map (lambda (i) (modulo (* i 7919) 101)) (iota 10)) <) (/ 6 4) (sin 1) (exact->inexact 1/3))
(format #t "~a~%" (regexp-substitute/global #f "[0-9]+" "a1b22c" 'pre (lambda (m) (number->string (* 2 (string->number (match:substring m))))) 'post))
(let* ((p (open-input-pipe "echo piped")) (l (read-line p))) (close-pipe p) (format #t "~a~%" l))
(gc) (let lp ((i 0) (l '())) (if (< i 300000) (lp (+ i 1) (cons (make-vector 3 i) (if (zero? (modulo i 1000)) '() l))) (format #t "~a~%" (length l))))
S
g=$(ls /usr/bin/guile /usr/bin/guile-3.0 /usr/lib/*/guile/*/bin/guile 2>/dev/null | head -1); "$g" --no-auto-compile t.scm 2>&1; GUILE_AUTO_COMPILE=0 GUILE_JIT_THRESHOLD=0 "$g" -s t.scm 2>&1 | md5sum
