//! What `sync` asks the log: one place, so that every path gets the same answers.

use governance::log::{Acl, Action, Cut, Denied, Verdict};
use types::{EntryId, MemberKey};

use crate::{delta::Header, fork::ForkProof, frontier::Head, pending::Standing};

/// Whether the author of a delta had the right to write under the entry that the delta cites.
pub(crate) fn may_write(acl: &Acl, author: &MemberKey, epoch: u64, entry: &EntryId) -> Verdict {
    acl.judge(author, epoch, entry, Action::Write)
}

/// The last position of `author` that counts for deltas citing `epoch`, if a later entry cut.
pub(crate) fn cut(acl: &Acl, author: &MemberKey, epoch: u64) -> Option<Cut> {
    acl.cut_after(author, epoch)
}

/// The position in `author`'s chain that the log has settled: the branch that leads there counts,
/// whatever else the author signed below it.
pub(crate) fn settled(acl: &Acl, author: &MemberKey) -> Head {
    let named = [acl.last_cut(author), acl.final_position(author)];
    let highest = named.into_iter().flatten().max_by_key(|cut| cut.seq);
    highest.map_or(Head::NONE, |cut| Head { seq: cut.seq, id: cut.id })
}

/// The last position that can ever count by the log as it stands, if there is such an end.
pub(crate) fn ceiling(acl: &Acl, author: &MemberKey) -> Option<Cut> {
    let writes = match acl.may_now(author, Action::Write) {
        Verdict::Allow | Verdict::Unknown(_) | Verdict::Deny(Denied::Restricted { .. }) => true,
        Verdict::Deny(_) => false,
    };
    if writes { None } else { acl.last_cut(author) }
}

/// Whether an admin has restricted `author` and the log has not decided yet.
pub(crate) fn is_restricted(acl: &Acl, author: &MemberKey) -> bool {
    matches!(acl.may_now(author, Action::Write), Verdict::Deny(Denied::Restricted { .. }))
}

/// Whether the log or an admin has shut `member` out. A member that the log does not know yet is
/// not shut out: this node may be the one that lags, and whoever announced the peer knows better.
pub(crate) fn is_shut_out(acl: &Acl, member: &MemberKey) -> bool {
    match acl.may_now(member, Action::Read) {
        Verdict::Deny(Denied::Restricted { .. }) => true,
        Verdict::Allow | Verdict::Unknown(_) => false,
        Verdict::Deny(_) => acl.was_removed(member),
    }
}

/// Whether the log knows `author`.
pub(crate) fn standing(acl: &Acl, author: &MemberKey) -> Standing {
    if acl.member(author).is_some() || acl.was_removed(author) {
        Standing::Known
    } else {
        Standing::Stranger
    }
}

/// What a proof of a fork means under the log as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForkVerdict {
    /// Nothing counts from its position on.
    Stops,
    /// The log has settled the position, or excludes one of the two anyway.
    Settled,
    /// One of the two cites an entry that is not here yet.
    Unknown,
    /// One of the two never counted; no fork.
    Void,
}

/// Judges `proof`, whose signatures hold.
pub(crate) fn judge_fork(acl: &Acl, proof: &ForkProof) -> ForkVerdict {
    if proof.seq() <= settled(acl, &proof.author()).seq {
        return ForkVerdict::Settled;
    }
    let counts = |header: &Header| match may_write(
        acl,
        &header.author,
        header.acl_epoch,
        &header.acl_hash,
    ) {
        Verdict::Deny(_) => ForkVerdict::Void,
        Verdict::Unknown(_) => ForkVerdict::Unknown,
        Verdict::Allow => match cut(acl, &header.author, header.acl_epoch) {
            Some(cut) if header.seq > cut.seq => ForkVerdict::Settled,
            _ => ForkVerdict::Stops,
        },
    };
    let [one, other] = proof.headers().map(|header| counts(&header.body));
    if one == ForkVerdict::Stops { other } else { one }
}
