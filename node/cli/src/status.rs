//! `anchorhold status` and `anchorhold members`: how things stand.

use api::wire::{AnchorStatus, Block, Member, Node, Provisional, Status};
use serde::Serialize;
use types::ContextId;

use crate::{args::Global, client::Client, output};

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// One context; without it the node and all its contexts.
    context: Option<ContextId>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MembersArgs {
    /// The context.
    context: ContextId,
}

#[derive(Debug, Serialize)]
struct All {
    node: Node,
    contexts: Vec<Status>,
}

pub(crate) async fn status(global: &Global, args: StatusArgs) -> anyhow::Result<()> {
    let client = Client::open(global)?;
    if let Some(context) = args.context {
        let status: Status = client.get(&format!("/v1/contexts/{context}")).await?;
        return global.output.show(&status, one);
    }
    let node: Node = client.get("/v1/node").await?;
    let contexts = client.get("/v1/contexts").await?;
    global.output.show(&All { node, contexts }, |all| {
        format!("{}{}", of_node(&all.node), rows(&all.contexts))
    })
}

pub(crate) async fn members(global: &Global, args: MembersArgs) -> anyhow::Result<()> {
    let path = format!("/v1/contexts/{}/members", args.context);
    let members: Vec<Member> = Client::open(global)?.get(&path).await?;
    global.output.show(&members, |members| {
        let rows: Vec<_> = members.iter().map(member_row).collect();
        output::table(&rows)
    })
}

fn member_row(member: &Member) -> Vec<String> {
    vec![
        member.member.clone(),
        member.role.clone(),
        format!("since {}", member.since_epoch),
        member.account.clone().unwrap_or_default(),
        note(member),
    ]
}

fn note(member: &Member) -> String {
    let lapsed = "its chain no longer confirms the account";
    match (member.is_self, member.has_lapsed) {
        (false, false) => String::new(),
        (true, false) => "this node".to_owned(),
        (false, true) => lapsed.to_owned(),
        (true, true) => format!("this node; {lapsed}"),
    }
}

fn of_node(node: &Node) -> String {
    let mut lines = vec![pair("peer", &node.peer)];
    lines.extend(node.listen.iter().map(|address| pair("listen", address)));
    lines.push(pair("peers", &node.peers.to_string()));
    lines.push(pair("contexts", &node.contexts.to_string()));
    if !node.durable {
        lines.push(pair("sync", "relaxed: the loss of power can undo acknowledged writes"));
    }
    output::table(&lines)
}

fn pair(name: &str, value: &str) -> Vec<String> {
    vec![name.to_owned(), value.to_owned()]
}

/// One line per context.
pub(crate) fn rows(contexts: &[Status]) -> String {
    let rows: Vec<_> = contexts.iter().map(row).collect();
    output::table(&rows)
}

fn row(status: &Status) -> Vec<String> {
    vec![
        status.context.clone(),
        status.role.clone().unwrap_or_else(|| "removed".to_owned()),
        format!("{} members", status.members),
        format!("{} of {} peers in sync", status.peers_in_sync, status.peers),
        status.anchor.as_ref().map_or_else(|| "no chain".to_owned(), |one| one.registry.clone()),
        status.waiting.join("; "),
    ]
}

fn one(status: &Status) -> String {
    let removed = || "removed".to_owned();
    let mut lines = vec![
        pair("context", &status.context),
        pair("app", &status.app),
        pair("member", &status.member),
        pair("role", &status.role.clone().unwrap_or_else(removed)),
        pair("log", &format!("entry {}, {}", status.epoch, status.head)),
        pair("key", &format!("epoch {}", status.key_epoch)),
        pair("root", &status.root),
        pair("deltas", &format!("{}, {} waiting", status.deltas, status.pending)),
        pair("members", &status.members.to_string()),
        pair("peers", &format!("{}, {} in sync", status.peers, status.peers_in_sync)),
    ];
    lines.extend(status.anchor.iter().flat_map(of_anchor));
    lines.extend(status.waiting.iter().map(|why| pair("waiting", why)));
    lines.extend(status.failure.iter().map(|why| pair("failed", why)));
    output::table(&lines)
}

fn of_anchor(anchor: &AnchorStatus) -> Vec<Vec<String>> {
    let read = match anchor.stale_secs {
        Some(secs) => format!("read {secs} s ago"),
        None => "not read yet".to_owned(),
    };
    let revs = format!("final {}, seen {}, {read}", anchor.final_rev, anchor.seen_rev);
    let mut lines = vec![
        pair("registry", &anchor.registry),
        pair("record", &anchor.record),
        pair("revision", &revs),
    ];
    lines.extend(anchor.provisional.iter().map(|revision| {
        let Provisional { rev, what, height } = revision;
        pair("provisional", &format!("{rev}: {what} (block {height}, may be undone)"))
    }));
    lines.extend(anchor.trust.iter().map(|trust| pair("trust", trust)));
    lines.extend(anchor.block.iter().map(|block| {
        let Block { height, hash, .. } = block;
        pair("as of", &format!("block {height}, {hash}"))
    }));
    if anchor.is_stale {
        lines.push(pair("stale", "changes of the rules pause until the chain is read again"));
    }
    lines.extend(anchor.faults.iter().map(|fault| pair("endpoint", fault)));
    lines.extend(anchor.error.iter().map(|why| pair("chain", why)));
    lines
}
