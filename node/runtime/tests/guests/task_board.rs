//! The task board, called as a node calls it.

use anchorhold_runtime::{CallError, MethodKind, Mode, Role};
use crdt::{CollectionId, Kind};
use serde_json::{Value, json};

use crate::support::{BOARD, Node, none};

fn titles(node: &Node) -> Vec<Value> {
    let tasks = node.view("list", none()).expect("a list");
    tasks.as_array().expect("a list").iter().map(|task| task["title"].clone()).collect()
}

fn add(node: &mut Node, title: &str) -> String {
    let id = node.mutate("add", json!({ "title": title })).expect("it is added");
    id.as_str().expect("an id").to_owned()
}

#[test]
fn the_manifest_names_methods_kinds_and_arguments() {
    let manifest = BOARD.manifest();
    let add = manifest.method("add").expect("add");
    assert_eq!(add.kind, MethodKind::Mutate);
    let arguments: Vec<_> =
        add.arguments.iter().map(|it| (it.name.as_str(), it.shape.as_str())).collect();
    assert_eq!(arguments, [("title", "String"), ("assignee", "Option<MemberId>")]);
    assert_eq!(manifest.method("list").expect("list").kind, MethodKind::View);
    assert_eq!(manifest.init.len(), 1);
    assert!(manifest.method("init").is_none() && manifest.method("change").is_none());
}

#[test]
fn a_board_remembers_its_tasks() {
    let mut alice = Node::new(&BOARD, 1);
    alice.init(json!({ "name": "Garden" })).expect("it is set up");
    let id = add(&mut alice, "  water the roses ");
    alice.mutate("assign", json!({ "id": id, "member": alice.member_text() })).expect("assigned");
    alice.mutate("comment", json!({ "id": id, "text": "before noon" })).expect("commented");
    alice.mutate("complete", json!({ "id": id })).expect("completed");
    let task = alice.view("get", json!({ "id": id })).expect("the task");
    assert_eq!(task["title"], "water the roses");
    assert_eq!(task["assignee"], alice.member_text());
    assert_eq!(task["done"], true);
    assert_eq!(task["comments"][0]["text"], "before noon");
    let summary = alice.view("summary", none()).expect("a summary");
    assert_eq!(summary, json!({ "name": "Garden", "tasks": 1, "completions": 1 }));
    alice.mutate("remove", json!({ "id": id })).expect("removed");
    assert_eq!(titles(&alice), [] as [&str; 0]);
}

#[test]
fn members_who_write_apart_from_each_other_meet_again() {
    let (mut alice, mut bob) = (Node::new(&BOARD, 1), Node::new(&BOARD, 2));
    let id = add(&mut alice, "paint the fence");
    bob.receive(&alice);
    alice.mutate("rename", json!({ "id": id, "title": "paint the gate" })).expect("renamed");
    alice.mutate("comment", json!({ "id": id, "text": "green" })).expect("commented");
    bob.mutate("assign", json!({ "id": id, "member": bob.member_text() })).expect("assigned");
    bob.mutate("comment", json!({ "id": id, "text": "blue" })).expect("commented");
    bob.mutate("complete", json!({ "id": id })).expect("completed");
    add(&mut bob, "sweep the path");
    alice.receive(&bob);
    bob.receive(&alice);
    assert_eq!(alice.root(), bob.root());
    let task = alice.view("get", json!({ "id": id })).expect("the task");
    assert_eq!(task, bob.view("get", json!({ "id": id })).expect("the task"));
    assert_eq!(task["title"], "paint the gate");
    assert_eq!(task["assignee"], bob.member_text());
    assert_eq!(task["done"], true);
    assert_eq!(task["comments"].as_array().map(Vec::len), Some(2));
    assert_eq!(titles(&alice).len(), 2);
}

#[test]
fn a_removed_task_stays_removed_though_others_changed_it() {
    let (mut alice, mut bob) = (Node::new(&BOARD, 1), Node::new(&BOARD, 2));
    let id = add(&mut alice, "paint the fence");
    bob.receive(&alice);
    alice.mutate("remove", json!({ "id": id })).expect("removed");
    bob.mutate("comment", json!({ "id": id, "text": "blue" })).expect("commented");
    alice.receive(&bob);
    bob.receive(&alice);
    assert_eq!(titles(&bob), [] as [&str; 0]);
    assert_eq!(alice.root(), bob.root());
}

#[test]
fn a_refusal_is_told_in_the_application_s_words_and_writes_nothing() {
    let mut alice = Node::new(&BOARD, 1);
    let id = add(&mut alice, "once");
    alice.mutate("complete", json!({ "id": id })).expect("completed");
    let before = (alice.root(), alice.deltas_written());
    let check = |alice: &mut Node, method: &str, args: Value, expected: &str| match alice
        .mutate(method, args)
        .expect_err(method)
    {
        CallError::Refused { reason } => assert_eq!(reason, expected),
        other => panic!("{method}: {other}"),
    };
    check(&mut alice, "complete", json!({ "id": id }), &format!("task {id} is done already"));
    check(&mut alice, "rename", json!({ "id": "x", "title": "y" }), "no task x");
    check(&mut alice, "add", json!({ "title": " " }), "a title has 1 to 200 characters");
    assert_eq!((alice.root(), alice.deltas_written()), before);
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let mut alice = Node::new(&BOARD, 1);
    let check = |alice: &mut Node, args: Value, expected: &str| match alice
        .mutate("add", args.clone())
        .expect_err("it does not fit")
    {
        CallError::BadArguments { reason } => assert!(reason.contains(expected), "{reason}"),
        other => panic!("{args}: {other}"),
    };
    check(&mut alice, none(), "missing field `title`");
    check(&mut alice, json!({ "title": 1 }), "expected a string");
    check(&mut alice, json!({ "title": "a", "colour": "red" }), "unknown field `colour`");
    check(&mut alice, json!({ "title": "a", "assignee": "bob" }), "64 lower-case hex digits");
    check(&mut alice, json!([]), "invalid length 0");
}

#[test]
fn a_method_is_called_as_what_it_is() {
    let alice = Node::new(&BOARD, 1);
    let unknown = alice.call(Mode::Mutate, "burn", none()).expect_err("there is none");
    assert!(matches!(unknown, CallError::UnknownMethod { method } if method == "burn"));
    let wrong = alice.call(Mode::View, "add", none()).expect_err("it may write");
    assert_eq!(
        wrong.to_string(),
        "method add is a mutate method, so it cannot be called as a view"
    );
    assert!(!wrong.is_node_fault());
}

#[test]
fn a_draft_stays_on_its_node() {
    let (mut alice, mut bob) = (Node::new(&BOARD, 1), Node::new(&BOARD, 2));
    let root = alice.root();
    alice.mutate("save_draft", json!({ "text": "to say later" })).expect("saved");
    assert_eq!((alice.root(), alice.deltas_written()), (root, 0));
    assert_eq!(alice.view("draft", none()).expect("the draft"), "to say later");
    bob.receive(&alice);
    assert_eq!(bob.view("draft", none()).expect("no draft"), Value::Null);
}

#[test]
fn the_guest_knows_its_caller_and_tells_subscribers() {
    let mut alice = Node::new(&BOARD, 1);
    alice.role = Role::Admin;
    let caller = alice.view("whoami", none()).expect("the caller");
    let expected =
        json!({ "member": alice.member_text(), "account": "eip155:1:0xab", "role": "admin" });
    assert_eq!(caller, expected);
    let id = add(&mut alice, "ring the bell");
    let outcome = alice.last.expect("an outcome");
    let [event] = &outcome.events[..] else { panic!("one event") };
    assert_eq!(event.kind, "task-added");
    let data: Value = serde_json::from_slice(&event.data).expect("JSON");
    assert_eq!(data["id"], id);
    assert_eq!(data["title"], "ring the bell");
    assert!(outcome.fuel_used > 0);
}

#[test]
fn a_long_board_is_told_by_pages() {
    let mut alice = Node::new(&BOARD, 1);
    let ids: Vec<_> = (0..250).map(|number| add(&mut alice, &format!("task {number}"))).collect();
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = alice.view("list", json!({ "after": after, "limit": 60 })).expect("a page");
        let page = page.as_array().expect("a list").clone();
        let Some(last) = page.last() else { break };
        after = last["id"].clone();
        seen.extend(page.into_iter().map(|task| task["id"].as_str().expect("an id").to_owned()));
    }
    assert_eq!(seen, ids);
}

#[test]
fn what_another_node_stored_badly_is_passed_over() {
    let mut alice = Node::new(&BOARD, 1);
    add(&mut alice, "a task");
    let tasks = CollectionId::root(Kind::Map, "tasks");
    let task = tasks.child(b"zz", Kind::Map);
    alice.take(3, |state| {
        state.register_set(&CollectionId::root(Kind::Register, "name"), b"{".to_vec())?;
        state.map_put(&tasks, b"\xff", vec![])?;
        state.map_put(&tasks, b"zz", vec![])?;
        state.register_set(&task.child(b"title", Kind::Register), b"[1]".to_vec())?;
        state.map_put(&task.child(b"comments", Kind::Map), b"x", b"{}".to_vec()).map(drop)
    });
    assert_eq!(titles(&alice), ["a task", ""]);
    assert_eq!(alice.view("summary", none()).expect("a summary")["name"], "");
    add(&mut alice, "work goes on");
}
