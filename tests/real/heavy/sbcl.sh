# sbcl: native compilation, collector with its write barriers by page faults, conditions, threads, bignums
cat >t.lisp <<'L'
(defun fib (n) (declare (fixnum n)) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(compile 'fib) (format t "~a ~a~%" (fib 27) (mod (expt 3 1000) (expt 10 20)))
(let ((l nil)) (dotimes (i 1000000) (push (cons i (list i)) l) (when (zerop (mod i 10000)) (setf l nil))) (gc :full t) (format t "~a~%" (length l)))
(defvar *old* (make-array 100000 :initial-element nil)) (gc :full t) (dotimes (i 100000) (setf (aref *old* i) (list i))) (gc) (format t "~a~%" (reduce #'+ *old* :key #'car))
(format t "~a~%" (handler-case (/ 1 0) (division-by-zero () 'division)))
(format t "~a~%" (handler-case (car (opaque-identity 5)) (type-error () 'type-error) (undefined-function () 'undefined)))
(defun deep (n) (+ 1 (deep (+ n 1)))) (format t "~a~%" (handler-case (deep 0) (storage-condition () 'exhausted)))
(format t "~a~%" (restart-case (handler-bind ((error (lambda (e) (declare (ignore e)) (invoke-restart 'use 7)))) (error "x")) (use (v) v)))
(defclass shape () ((a :initarg :a :accessor a))) (defclass sq (shape) ()) (defgeneric area (s)) (defmethod area ((s sq)) (* (a s) (a s))) (format t "~a~%" (loop repeat 100000 sum (area (make-instance 'sq :a 2))))
(let ((h (make-hash-table :test 'equal))) (dotimes (i 100000) (incf (gethash (format nil "k~a" (mod i 997)) h 0) i)) (format t "~a ~a~%" (hash-table-count h) (gethash "k5" h)))
(format t "~,6f ~a ~a~%" (sin 1d0) (/ 6 4) (sort (loop for i below 10 collect (mod (* i 7919) 101)) #'<))
(when (find :sb-thread *features*) (let* ((m (sb-thread:make-mutex)) (n 0) (ts (loop repeat 4 collect (sb-thread:make-thread (lambda () (dotimes (i 5000) (sb-thread:with-mutex (m) (incf n)))))))) (mapc #'sb-thread:join-thread ts) (assert (= n 20000))))
(format t "~a~%" (with-output-to-string (s) (sb-ext:run-program "/bin/sh" '("-c" "echo child") :output s)))
(dotimes (i 20) (compile nil `(lambda (x) (+ x ,i)))) (format t "~a~%" (funcall (compile nil '(lambda (x y) (declare (double-float x y) (optimize speed)) (* x y))) 2d0 3.5d0))
L
sed -i 's/(opaque-identity 5)/(eval 5)/' t.lisp
sbcl --noinform --no-sysinit --no-userinit --disable-debugger --load t.lisp --eval '(sb-ext:exit :code 3)' 2>&1 | grep -v '^;\|^INFO\|^WARNING\|^$\|^STYLE\|Control stack\|^Note'; echo "${PIPESTATUS[0]}"
