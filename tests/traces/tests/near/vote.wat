;; Contracts as accounts, for tests: a council whose second vote makes a call, and a relay.
;;
;; A call to make is `len u8 | account | len u8 | method | arguments`.
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "predecessor_account_id" (func $predecessor (param i64)))
  (import "env" "current_account_id" (func $current (param i64)))
  (import "env" "register_len" (func $register_len (param i64) (result i64)))
  (import "env" "read_register" (func $read_register (param i64 i64)))
  (import "env" "storage_write" (func $write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "storage_read" (func $read (param i64 i64 i64) (result i64)))
  (import "env" "storage_has_key" (func $has (param i64 i64) (result i64)))
  (import "env" "promise_create"
    (func $promise (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_then"
    (func $then (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_return" (func $return (param i64)))
  (import "env" "panic" (func $panic))
  (memory (export "memory") 1)
  ;; 0: what is sent along, 0.3 NEAR (u128, little endian). 16: nothing.
  (data (i32.const 0) "\00\00\80\e3\e0\a3\57\08\87\3f\00\00\00\00\00\00")
  (data (i32.const 32) "fail")
  ;; 40: the key of the call, 41: of a member (42…), 110: of a vote (111…).
  (data (i32.const 40) "PC")
  (data (i32.const 110) "V")

  ;; Puts who calls behind both letters; its length.
  (func $caller (result i64)
    (call $predecessor (i64.const 1))
    (call $read_register (i64.const 1) (i64.const 42))
    (call $read_register (i64.const 1) (i64.const 111))
    (call $register_len (i64.const 1)))

  (func $only_members (param $len i64)
    (if (i64.eqz (call $has (i64.add (local.get $len) (i64.const 1)) (i64.const 41)))
      (then (call $panic))))

  ;; The call that lies at 1024, of which so many bytes are there.
  (func $make (param $bytes i64) (result i64)
    (local $account i32) (local $method i32) (local $at i32)
    (local.set $account (i32.load8_u (i32.const 1024)))
    (local.set $at (i32.add (i32.const 1025) (local.get $account)))
    (local.set $method (i32.load8_u (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (call $promise
      (i64.extend_i32_u (local.get $account)) (i64.const 1025)
      (i64.extend_i32_u (local.get $method)) (i64.extend_i32_u (local.get $at))
      (i64.sub (i64.add (local.get $bytes) (i64.const 1024))
        (i64.extend_i32_u (i32.add (local.get $at) (local.get $method))))
      (i64.extend_i32_u (i32.add (local.get $at) (local.get $method)))
      (i64.const 0) (i64.const 30000000000000)))

  ;; Makes who is named a member. Only the account itself does.
  (func (export "join") (local $len i64)
    (local.set $len (call $caller))
    (call $current (i64.const 2))
    (call $read_register (i64.const 2) (i64.const 512))
    (if (i64.ne (call $register_len (i64.const 2)) (local.get $len)) (then (call $panic)))
    (call $input (i64.const 0))
    (call $read_register (i64.const 0) (i64.const 42))
    (drop (call $write
      (i64.add (call $register_len (i64.const 0)) (i64.const 1)) (i64.const 41)
      (i64.const 0) (i64.const 16) (i64.const 3))))

  ;; A member proposes a call, and votes for it.
  (func (export "propose") (local $len i64)
    (local.set $len (call $caller))
    (call $only_members (local.get $len))
    (call $input (i64.const 0))
    (call $read_register (i64.const 0) (i64.const 1024))
    (drop (call $write (i64.const 1) (i64.const 40)
      (call $register_len (i64.const 0)) (i64.const 1024) (i64.const 3)))
    (drop (call $write (i64.add (local.get $len) (i64.const 1)) (i64.const 110)
      (i64.const 0) (i64.const 16) (i64.const 3))))

  ;; Another member votes for it; two are enough.
  (func $vote (result i64) (local $len i64)
    (local.set $len (call $caller))
    (call $only_members (local.get $len))
    (if (i64.eq (i64.const 1)
          (call $has (i64.add (local.get $len) (i64.const 1)) (i64.const 110)))
      (then (call $panic)))
    (drop (call $read (i64.const 1) (i64.const 40) (i64.const 4)))
    (call $read_register (i64.const 4) (i64.const 1024))
    (call $make (call $register_len (i64.const 4))))
  (func (export "vote")
    (call $return (call $vote)))

  ;; The same, and afterwards this contract fails.
  (func (export "vote_and_fail") (local $call i64)
    (local.set $call (call $vote))
    (call $current (i64.const 2))
    (call $read_register (i64.const 2) (i64.const 512))
    (call $return (call $then (local.get $call)
      (call $register_len (i64.const 2)) (i64.const 512) (i64.const 4) (i64.const 32)
      (i64.const 0) (i64.const 16) (i64.const 16) (i64.const 10000000000000))))
  (func (export "fail")
    (call $panic))

  ;; Makes whatever call anybody asks for.
  (func (export "relay")
    (call $input (i64.const 0))
    (call $read_register (i64.const 0) (i64.const 1024))
    (call $return (call $make (call $register_len (i64.const 0))))))
