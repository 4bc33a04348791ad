//! An invitation as people pass it on: one line of text.

use std::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize};
use governance::log::SignedInvitation;
use types::{InviteSecret, decode, encode};

/// Longest link, in decoded bytes: an invitation and [`BOOTSTRAP_MAX`] addresses.
const LINK_MAX_BYTES: usize = 8 << 10;
/// Addresses in a link.
pub const BOOTSTRAP_MAX: usize = 16;
const SCHEME: &str = "anchorhold:";

/// The text is no invitation link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no invitation link: expected `anchorhold:` and hex digits, all of them")]
pub struct ParseLinkError;

/// An invitation, whom to ask, and the secret that opens an open one.
///
/// Who holds the link of an open invitation may claim it: pass it on like a password.
#[derive(Clone)]
pub struct Link {
    /// What the inviter signed.
    pub invitation: SignedInvitation,
    /// Where nodes of members listen, as multiaddresses with peer ids.
    pub bootstrap: Vec<String>,
    /// For an open invitation.
    pub secret: Option<InviteSecret>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct LinkBytes {
    version: u8,
    invitation: SignedInvitation,
    bootstrap: Vec<String>,
    secret: Option<[u8; 32]>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("invitation", &self.invitation).finish_non_exhaustive()
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = encode(&LinkBytes {
            version: 1,
            invitation: self.invitation.clone(),
            bootstrap: self.bootstrap.clone(),
            secret: self.secret.as_ref().map(|secret| *secret.to_bytes()),
        });
        f.write_str(SCHEME)?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Link {
    type Err = ParseLinkError;

    fn from_str(text: &str) -> Result<Self, ParseLinkError> {
        let digits = text.trim().strip_prefix(SCHEME).ok_or(ParseLinkError)?;
        let bytes = parse_hex(digits).ok_or(ParseLinkError)?;
        let link: LinkBytes = decode(&bytes, LINK_MAX_BYTES).map_err(|_| ParseLinkError)?;
        if link.version != 1 || link.bootstrap.len() > BOOTSTRAP_MAX {
            return Err(ParseLinkError);
        }
        let secret = link.secret.as_ref().map(InviteSecret::from_bytes).transpose();
        Ok(Self {
            invitation: link.invitation,
            bootstrap: link.bootstrap,
            secret: secret.map_err(|_| ParseLinkError)?,
        })
    }
}

fn parse_hex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() > 2 * LINK_MAX_BYTES || !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}
