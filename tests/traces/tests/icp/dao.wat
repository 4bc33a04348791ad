;; A canister that decides by two: whoever calls `propose` says which call is to be made, and it is
;; made once somebody else calls `vote`. What comes back is passed on as it is.
;;
;; A call: callee length u8, callee, name length u8, name, cycles u64 (little endian), argument.
(module
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
  (import "ic0" "msg_caller_copy" (func $caller_copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $reply_append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reject" (func $reject (param i32 i32)))
  (import "ic0" "msg_reject_msg_size" (func $reject_size (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $reject_copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_cycles_add128" (func $cycles (param i64 i64)))
  (import "ic0" "call_data_append" (func $append (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "trap" (func $trap (param i32 i32)))

  ;; 0: texts. 64: the voter's bytes. 128: the proposer's bytes. 256: the call. 65536: answers.
  (memory 64)
  (data (i32.const 0) "nothing to vote on, or by its proposer")
  (global $proposer_len (mut i32) (i32.const 0))
  (global $len (mut i32) (i32.const 0))
  (table funcref (elem $replied $rejected))

  (func (export "canister_update propose")
    (global.set $proposer_len (call $caller_size))
    (call $caller_copy (i32.const 128) (i32.const 0) (global.get $proposer_len))
    (global.set $len (call $arg_size))
    (call $arg_copy (i32.const 256) (i32.const 0) (global.get $len))
    (call $reply))

  ;; Whether the voter is the proposer.
  (func $is_proposer (result i32)
    (local $at i32)
    (if (i32.ne (call $caller_size) (global.get $proposer_len)) (then (return (i32.const 0))))
    (call $caller_copy (i32.const 64) (i32.const 0) (global.get $proposer_len))
    (loop $next
      (if (i32.eq (local.get $at) (global.get $proposer_len)) (then (return (i32.const 1))))
      (if (i32.ne
            (i32.load8_u (i32.add (i32.const 64) (local.get $at)))
            (i32.load8_u (i32.add (i32.const 128) (local.get $at))))
        (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))
    (unreachable))

  (func (export "canister_update vote")
    (local $name i32) (local $rest i32)
    (if (i32.or (i32.eqz (global.get $len)) (call $is_proposer))
      (then (call $trap (i32.const 0) (i32.const 38))))
    (local.set $name (i32.add (i32.const 257) (i32.load8_u (i32.const 256))))
    (local.set $rest
      (i32.add (i32.add (local.get $name) (i32.const 1)) (i32.load8_u (local.get $name))))
    (call $call
      (i32.const 257) (i32.load8_u (i32.const 256))
      (i32.add (local.get $name) (i32.const 1)) (i32.load8_u (local.get $name))
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $cycles (i64.const 0) (i64.load align=1 (local.get $rest)))
    (local.set $rest (i32.add (local.get $rest) (i32.const 8)))
    (call $append
      (local.get $rest)
      (i32.sub (i32.add (i32.const 256) (global.get $len)) (local.get $rest)))
    (global.set $len (i32.const 0))
    (if (call $perform) (then (unreachable))))

  (func $replied (param i32)
    (call $arg_copy (i32.const 65536) (i32.const 0) (call $arg_size))
    (call $reply_append (i32.const 65536) (call $arg_size))
    (call $reply))

  (func $rejected (param i32)
    (call $reject_copy (i32.const 65536) (i32.const 0) (call $reject_size))
    (call $reject (i32.const 65536) (call $reject_size))))
