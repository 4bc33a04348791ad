;; A contract that tries what the chain must do: it keeps a value, tells it, calls others, pays,
;; fails. Where a length is -1, the "pointer" is the number of a register.
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "current_account_id" (func $current (param i64)))
  (import "env" "predecessor_account_id" (func $predecessor (param i64)))
  (import "env" "storage_write" (func $write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "storage_read" (func $read (param i64 i64 i64) (result i64)))
  (import "env" "storage_remove" (func $remove (param i64 i64 i64) (result i64)))
  (import "env" "value_return" (func $return (param i64 i64)))
  (import "env" "log_utf8" (func $log (param i64 i64)))
  (import "env" "panic_utf8" (func $panic (param i64 i64)))
  (import "env" "block_timestamp" (func $time (result i64)))
  (import "env" "promise_create"
    (func $create (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_then"
    (func $then (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_and" (func $and (param i64 i64) (result i64)))
  (import "env" "promise_return" (func $promise_return (param i64)))
  (import "env" "promise_result" (func $result (param i64 i64) (result i64)))
  (import "env" "promise_batch_create" (func $batch (param i64 i64) (result i64)))
  (import "env" "promise_batch_action_transfer" (func $transfer (param i64 i64)))
  (import "env" "promise_batch_action_function_call_weight"
    (func $weighed (param i64 i64 i64 i64 i64 i64 i64 i64)))

  (import "env" "promise_yield_create"
    (func $yield (param i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_yield_resume" (func $resume (param i64 i64 i64 i64) (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "k")
  (data (i32.const 16) "get")
  (data (i32.const 32) "took")
  (data (i32.const 48) "value set")
  (data (i32.const 64) "E12 not today")
  (data (i32.const 80) "no answer")
  ;; 1 NEAR in yoctoNEAR, little-endian; zeros at 112.
  (data (i32.const 96) "\00\00\00\a1\ed\cc\ce\1b\c2\d3\00\00\00\00\00\00")

  ;; Keeps what it is given.
  (func (export "set")
    (call $input (i64.const 0))
    (drop (call $write (i64.const 1) (i64.const 0) (i64.const -1) (i64.const 0) (i64.const 1)))
    (call $log (i64.const 9) (i64.const 48)))

  ;; Tells what it keeps.
  (func (export "get")
    (if (i64.eq (call $read (i64.const 1) (i64.const 0) (i64.const 0)) (i64.const 1))
      (then (call $return (i64.const -1) (i64.const 0)))))

  ;; Keeps nothing any more.
  (func (export "clear")
    (drop (call $remove (i64.const 1) (i64.const 0) (i64.const 0))))

  ;; Changes something, then fails.
  (func (export "fail")
    (call $input (i64.const 0))
    (drop (call $write (i64.const 1) (i64.const 0) (i64.const -1) (i64.const 0) (i64.const 1)))
    (call $panic (i64.const 13) (i64.const 64)))

  ;; The time, as eight bytes.
  (func (export "time")
    (i64.store (i32.const 128) (call $time))
    (call $return (i64.const 8) (i64.const 128)))

  ;; Asks the account that it is given what that keeps, and keeps the answer.
  (func (export "ask") (local $asked i64)
    (call $input (i64.const 0))
    (call $current (i64.const 1))
    (local.set $asked
      (call $create (i64.const -1) (i64.const 0) (i64.const 3) (i64.const 16) (i64.const 0)
        (i64.const 0) (i64.const 112) (i64.const 20000000000000)))
    (call $promise_return
      (call $then (local.get $asked) (i64.const -1) (i64.const 1) (i64.const 4) (i64.const 32)
        (i64.const 0) (i64.const 0) (i64.const 112) (i64.const 20000000000000))))

  ;; Asks twice and waits for both; tells the second answer.
  (func (export "ask_twice")
    (call $input (i64.const 0))
    (call $current (i64.const 1))
    (i64.store (i32.const 144)
      (call $create (i64.const -1) (i64.const 0) (i64.const 3) (i64.const 16) (i64.const 0)
        (i64.const 0) (i64.const 112) (i64.const 20000000000000)))
    (i64.store (i32.const 152)
      (call $create (i64.const -1) (i64.const 0) (i64.const 3) (i64.const 16) (i64.const 0)
        (i64.const 0) (i64.const 112) (i64.const 20000000000000)))
    (call $promise_return
      (call $then (call $and (i64.const 144) (i64.const 2)) (i64.const -1) (i64.const 1)
        (i64.const 4) (i64.const 32) (i64.const 0) (i64.const 0) (i64.const 112)
        (i64.const 20000000000000))))

  ;; The callback of both.
  (func (export "took")
    (if (i64.eq (call $result (i64.const 0) (i64.const 0)) (i64.const 1))
      (then
        (drop (call $write (i64.const 1) (i64.const 0) (i64.const -1) (i64.const 0) (i64.const 1)))
        (call $return (i64.const -1) (i64.const 0)))
      (else (call $return (i64.const 9) (i64.const 80)))))

  ;; Pays 1 NEAR to whoever calls.
  (func (export "pay") (local $promise i64)
    (call $predecessor (i64.const 0))
    (local.set $promise (call $batch (i64.const -1) (i64.const 0)))
    (call $transfer (local.get $promise) (i64.const 96)))

  ;; Calls `get` of the account that it is given with all gas that is left.
  (func (export "pass_gas") (local $promise i64)
    (call $input (i64.const 0))
    (local.set $promise (call $batch (i64.const -1) (i64.const 0)))
    (call $weighed (local.get $promise) (i64.const 3) (i64.const 16) (i64.const 0) (i64.const 0)
      (i64.const 112) (i64.const 0) (i64.const 1))
    (call $promise_return (local.get $promise)))

  ;; Waits until it is resumed; keeps the name of what it waits for.
  (func (export "wait") (local $promise i64)
    (local.set $promise
      (call $yield (i64.const 4) (i64.const 32) (i64.const 0) (i64.const 0)
        (i64.const 10000000000000) (i64.const 0) (i64.const 2)))
    (drop (call $write (i64.const 1) (i64.const 0) (i64.const -1) (i64.const 2) (i64.const 1)))
    (call $promise_return (local.get $promise)))

  ;; Resumes what waits.
  (func (export "resume")
    (drop (call $read (i64.const 1) (i64.const 0) (i64.const 1)))
    (drop (call $resume (i64.const -1) (i64.const 1) (i64.const 9) (i64.const 48))))

  ;; Never ends.
  (func (export "spin") (loop $again (br $again))))
