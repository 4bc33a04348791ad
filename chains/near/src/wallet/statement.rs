//! The text that ties an account to a member key: what a wallet shows and signs.
//!
//! It names all that NEP-413 has no place for: the network, the account, the invitation, the
//! member. All of it must be exactly as expected; only `Issued At` is the signer's own, and decides
//! nothing.

use core::{fmt, str::FromStr};

use chain::WalletError;
use governance::log::Binding;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use types::{ChainId, ContextId, InvitationId, MemberKey, Tagged, UnixMillis};

use super::id::NearId;

/// What the text begins with.
const PURPOSE: &str = "Binds a NEAR account to a member of an Anchorhold context. \
                       It costs nothing and sends no transaction.";
/// What stands for no invitation: the context's creator has none.
const NO_INVITATION: &str = "none";
/// Longest text that is read: ours has about 500 bytes.
const BYTES_MAX: usize = 2048;

/// The parts of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) chain: ChainId,
    pub(super) account: NearId,
    pub(super) context: ContextId,
    pub(super) invitation: Option<InvitationId>,
    pub(super) member: MemberKey,
    /// RFC 3339, kept as written.
    pub(super) issued_at: String,
}

/// What makes a nonce: a binding has one, so that its signature serves once.
#[derive(borsh::BorshSerialize)]
struct Nonce {
    context: ContextId,
    invitation: Option<InvitationId>,
    member: MemberKey,
}

impl Tagged for Nonce {
    const TAG: &'static str = "anchorhold/near-nonce/1";
}

impl Statement {
    /// Of `binding`, whose account `account` is.
    pub(super) fn of(binding: &Binding, account: NearId, issued_at: String) -> Self {
        let Binding { context, invitation, member, account: id, .. } = binding;
        let (context, invitation, member) = (*context, *invitation, *member);
        Self { chain: id.chain(), account, context, invitation, member, issued_at }
    }

    /// NEP-413's recipient: whom the signature is for.
    pub(super) fn recipient(&self) -> String {
        format!("anchorhold:context:{}", self.context)
    }

    /// NEP-413's nonce.
    pub(super) fn nonce(&self) -> [u8; 32] {
        let Self { context, invitation, member, .. } = *self;
        *Nonce { context, invitation, member }.digest().as_bytes()
    }

    /// That this says what `expected` says; else the first field that differs, in the order in
    /// which people care.
    pub(super) fn compare(&self, expected: &Self) -> Result<(), WalletError> {
        let differs = |field| Err(WalletError::OtherField { field });
        if self.context != expected.context {
            return differs("context");
        }
        if self.invitation != expected.invitation {
            return differs("invitation");
        }
        if self.chain != expected.chain {
            return differs("chain");
        }
        if self.account != expected.account {
            return differs("account");
        }
        if self.member == expected.member { Ok(()) } else { differs("member") }
    }
}

/// `now` as RFC 3339.
pub(super) fn written(now: UnixMillis) -> Result<String, WalletError> {
    let nanos = i128::from(now.0).saturating_mul(1_000_000);
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.ok_or(WalletError::Malformed { what: "time" })
}

/// The statement that `bytes` are.
pub(super) fn read(bytes: &[u8]) -> Result<Statement, WalletError> {
    if bytes.len() > BYTES_MAX {
        return Err(WalletError::Malformed { what: "length" });
    }
    str::from_utf8(bytes).map_err(|_| WalletError::Malformed { what: "UTF-8" })?.parse()
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain, account, context, invitation, member, issued_at } = self;
        write!(f, "{PURPOSE}\n\nNetwork: {chain}\nAccount: {account}\nContext: {context}\n")?;
        match invitation {
            Some(invitation) => writeln!(f, "Invitation: {invitation}")?,
            None => writeln!(f, "Invitation: {NO_INVITATION}")?,
        }
        write!(f, "Member: {member}\nIssued At: {issued_at}")
    }
}

impl FromStr for Statement {
    type Err = WalletError;

    fn from_str(text: &str) -> Result<Self, WalletError> {
        let bad = |what| WalletError::Malformed { what };
        let mut lines = text.split('\n');
        let begins = lines.next() == Some(PURPOSE) && lines.next() == Some("");
        if !begins {
            return Err(bad("purpose"));
        }
        let mut field = |name: &str| lines.next().and_then(|line| line.strip_prefix(name));
        let chain = field("Network: ").and_then(|text| text.parse().ok());
        let account = field("Account: ").and_then(|text| text.parse().ok());
        let context = field("Context: ").and_then(|text| text.parse().ok());
        let invitation = field("Invitation: ").and_then(|text| match text {
            NO_INVITATION => Some(None),
            id => id.parse().ok().map(Some),
        });
        let member = field("Member: ").and_then(|text| text.parse().ok());
        let issued_at = field("Issued At: ");
        let issued_at = issued_at.filter(|text| OffsetDateTime::parse(text, &Rfc3339).is_ok());
        let statement = Self {
            chain: chain.ok_or(bad("network"))?,
            account: account.ok_or(bad("account"))?,
            context: context.ok_or(bad("context"))?,
            invitation: invitation.ok_or(bad("invitation"))?,
            member: member.ok_or(bad("member"))?,
            issued_at: issued_at.ok_or(bad("issued at"))?.to_owned(),
        };
        if lines.next().is_some() { Err(bad("end")) } else { Ok(statement) }
    }
}
