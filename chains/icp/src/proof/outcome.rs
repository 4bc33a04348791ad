//! What became of a call. Source: IC interface specification, "Request status".

use super::{
    certificate::{BadCertificate, Certified, leb128},
    hash_tree::Lookup,
};

/// What the subnet says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It does not know it: it came too early, too late, or never.
    Absent,
    /// It waits.
    Received,
    /// It runs.
    Processing,
    /// It was done, and this was the answer.
    Replied(&'a [u8]),
    /// It was refused; nobody may do so but the canister and the subnet.
    Rejected {
        /// 1 to 6; 3 is "no such canister", 4 is the canister's own word, 5 is a trap.
        code: u64,
        /// For people.
        message: &'a str,
    },
    /// It was done or refused so long ago that the answer is forgotten.
    Done,
}

/// What `certified` says about a request to the canister in its scope.
///
/// # Errors
/// [`BadCertificate::NoValue`] if the certificate does not show it, [`BadCertificate::Malformed`],
/// [`BadCertificate::NoCanister`].
pub fn outcome<'a>(
    certified: &Certified<'a>,
    request_id: &[u8; 32],
) -> Result<Outcome<'a>, BadCertificate> {
    certified.canister()?;
    let at = |name: &'static [u8]| [b"request_status", &request_id[..], name];
    if certified.lookup(&at(b"status")) == Lookup::Absent {
        return Ok(Outcome::Absent);
    }
    let status = certified.value(&at(b"status"), "status")?;
    match status {
        // The state tree may say so while the request is on its way.
        b"unknown" => Ok(Outcome::Absent),
        b"received" => Ok(Outcome::Received),
        b"processing" => Ok(Outcome::Processing),
        b"done" => Ok(Outcome::Done),
        b"replied" => certified.value(&at(b"reply"), "reply").map(Outcome::Replied),
        b"rejected" => {
            let code = certified.value(&at(b"reject_code"), "reject code")?;
            let code = leb128(code, "reject code")?;
            let message = certified.value(&at(b"reject_message"), "reject message")?;
            let malformed = BadCertificate::Malformed { what: "reject message" };
            let message = str::from_utf8(message).map_err(|_| malformed)?;
            Ok(Outcome::Rejected { code, message })
        }
        _ => Err(BadCertificate::Malformed { what: "status" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        forge::{Net, Tree},
        proof::{Scope, certificate},
    };

    const REQUEST: [u8; 32] = [7; 32];

    #[track_caller]
    fn check(fields: &[(&str, &[u8])], expected: Result<Outcome<'_>, BadCertificate>) {
        let net = Net::new();
        let fields = fields.iter().map(|(name, value)| (*name, Tree::leaf(value)));
        let tree = Tree::folder([
            ("request_status", Tree::folder([(&REQUEST[..], Tree::folder(fields))])),
            ("time", Tree::leaf([1])),
        ]);
        let bytes = net.certify(&tree);
        let scope = Scope::Canister(net.canister);
        let certified = certificate(&bytes, &net.root, scope).expect("it holds");
        assert_eq!(outcome(&certified, &REQUEST), expected);
        assert_eq!(outcome(&certified, &[8; 32]), Ok(Outcome::Absent), "another request");
    }

    #[test]
    fn a_request_is_on_its_way_done_or_refused() {
        check(&[], Ok(Outcome::Absent));
        check(&[("status", b"unknown")], Ok(Outcome::Absent));
        check(&[("status", b"received")], Ok(Outcome::Received));
        check(&[("status", b"processing")], Ok(Outcome::Processing));
        check(&[("status", b"done")], Ok(Outcome::Done));
        check(&[("reply", b"DIDL"), ("status", b"replied")], Ok(Outcome::Replied(b"DIDL")));
        check(
            &[("reject_code", &[4]), ("reject_message", b"no"), ("status", b"rejected")],
            Ok(Outcome::Rejected { code: 4, message: "no" }),
        );
    }

    #[test]
    fn other_words_are_refused() {
        let malformed = |what| Err(BadCertificate::Malformed { what });
        let missing = |what| Err(BadCertificate::NoValue { what, why: "absent" });
        check(&[("status", b"Replied")], malformed("status"));
        check(&[("status", b"replied")], missing("reply"));
        check(&[("status", b"rejected")], missing("reject code"));
        check(&[("reject_code", &[]), ("status", b"rejected")], malformed("reject code"));
    }

    #[test]
    fn a_subnets_own_certificate_tells_nothing_about_calls() {
        let net = Net::new();
        let bytes = net.certify(&Tree::folder([("time", Tree::leaf([1]))]));
        let certified = certificate(&bytes, &net.root, Scope::Subnet).expect("it holds");
        assert_eq!(outcome(&certified, &REQUEST), Err(BadCertificate::NoCanister));
    }
}
