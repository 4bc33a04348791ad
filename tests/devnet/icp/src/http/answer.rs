//! What a request is answered with.

use candid::Principal;

use super::{Shared, Way};
use crate::{
    authority::{Ranges, Signer, in_range, path},
    cbor::Value,
    ingress::{Ask, Refusal, Request},
    reject::{Reject, RejectCode},
    replica::{Answer, Call, Outcome, Replica, Seat, effective},
};

/// A body, or none for a call that is on its way.
pub(super) type Body = Option<Vec<u8>>;

/// What `/api/v2/status` tells.
pub(super) fn status(replica: &Replica) -> Vec<u8> {
    Value::map([
        ("impl_version", Value::text(env!("CARGO_PKG_VERSION"))),
        ("replica_health_status", Value::text("healthy")),
        ("root_key", Value::bytes(replica.root_key())),
    ])
    .document()
}

pub(super) fn request(shared: &Shared, way: Way, seat: Seat, body: &[u8]) -> Result<Body, Refusal> {
    let request = Request::open(body, shared.now_ns())?;
    let mismatch = || Refusal::Malformed("the request is of another type".to_owned());
    let Request { id, sender, expiry_ns, .. } = request;
    match (way, &request.ask) {
        (Way::Call(ranges), Ask::Call { canister, method, arg }) => {
            let (method, arg) = (method.clone(), arg.clone());
            let call = Call { canister: *canister, sender, method, arg };
            request.aimed_at(call.canister)?;
            addressed(&call, seat)?;
            update(shared, (id, &call, expiry_ns), seat, ranges)
        }
        (Way::Query(ranges), Ask::Query { canister, method, arg }) => {
            let (method, arg) = (method.clone(), arg.clone());
            let call = Call { canister: *canister, sender, method, arg };
            request.aimed_at(call.canister)?;
            addressed(&call, seat)?;
            Ok(Some(query(shared, id, &call, ranges)))
        }
        (Way::ReadState(ranges), Ask::ReadState(paths)) => {
            if let Seat::Canister(canister) = seat {
                request.aimed_at(canister)?;
            }
            let mut replica = shared.replica();
            let shown = replica.readable(paths, (seat, ranges), sender);
            let shown = shown.map_err(|why| Refusal::Forbidden(why.0.to_owned()))?;
            let (state, authority) = (replica.state(), replica.authority());
            drop(replica);
            let signer = signer(seat, ranges, &authority.subnet_id)?;
            let certificate = authority.certify(&state, &shown, signer);
            Ok(Some(Value::map([("certificate", Value::Bytes(certificate))]).document()))
        }
        _ => Err(mismatch()),
    }
}

/// Whether a call was sent to the address of the canister that it is about.
fn addressed(call: &Call, seat: Seat) -> Result<(), Refusal> {
    let wrong = |text: &str| Err(Refusal::Malformed(text.to_owned()));
    let management = call.canister == Principal::management_canister();
    let creates = management && call.method == "provisional_create_canister_with_cycles";
    match seat {
        Seat::Subnet(_) if creates => Ok(()),
        Seat::Subnet(_) => wrong("the subnet's address takes no such call"),
        Seat::Canister(_) if creates => Ok(()),
        Seat::Canister(id) if management && effective(call) == Some(id) => Ok(()),
        Seat::Canister(id) if id == call.canister && in_range(&id) => Ok(()),
        Seat::Canister(_) => wrong("the call is about another canister than its address"),
    }
}

/// Who vouches for what is answered here. Addresses outside of the subnet are the root subnet's.
fn signer(seat: Seat, ranges: Ranges, subnet: &Principal) -> Result<Signer, Refusal> {
    match seat {
        Seat::Canister(id) if in_range(&id) => Ok(Signer::Subnet(ranges)),
        Seat::Subnet(id) if id == *subnet => Ok(Signer::Subnet(ranges)),
        Seat::Canister(_) | Seat::Subnet(_) => Ok(Signer::Root),
    }
}

fn update(
    shared: &Shared,
    (id, call, expiry_ns): ([u8; 32], &Call, u64),
    seat: Seat,
    ranges: Option<Ranges>,
) -> Result<Body, Refusal> {
    let mut replica = shared.replica();
    if replica.outcome(&id).is_none() {
        if let Err(reject) = replica.inspect(call) {
            let mut fields = vec![("status".to_owned(), Value::text("non_replicated_rejection"))];
            fields.extend(rejection(&reject));
            return Ok(Some(Value::Map(fields).document()));
        }
        let (Seat::Canister(effective) | Seat::Subnet(effective)) = seat;
        replica.accept(id, call, (effective, expiry_ns));
    }
    let ended = matches!(replica.outcome(&id), Some(Outcome::Ended(_)));
    let Some(ranges) = ranges.filter(|_| ended) else { return Ok(None) };
    let (state, authority) = (replica.state(), replica.authority());
    drop(replica);
    let signer = signer(seat, ranges, &authority.subnet_id)?;
    let shown = path([b"request_status", &id]);
    let certificate = authority.certify(&state, &[shown], signer);
    let answer = [("status", Value::text("replied")), ("certificate", Value::Bytes(certificate))];
    Ok(Some(Value::map(answer).document()))
}

fn query(shared: &Shared, id: [u8; 32], call: &Call, ranges: Ranges) -> Vec<u8> {
    let mut replica = shared.replica();
    let outcome = replica.query_with(call, ranges);
    let (authority, time_ns) = (replica.authority(), replica.time_ns());
    drop(replica);
    let mut fields = match outcome {
        Ok(Answer { reply, .. }) => vec![
            ("status".to_owned(), Value::text("replied")),
            ("reply".to_owned(), Value::map([("arg", Value::Bytes(reply))])),
        ],
        Err(reject) => {
            let mut fields = vec![("status".to_owned(), Value::text("rejected"))];
            fields.extend(rejection(&reject));
            fields
        }
    };
    let mut signed = fields.clone();
    signed.push(("request_id".to_owned(), Value::bytes(id)));
    signed.push(("timestamp".to_owned(), Value::Unsigned(time_ns)));
    let signature = Value::map([
        ("timestamp", Value::Unsigned(time_ns)),
        ("signature", authority.sign_answer(&Value::Map(signed))),
        ("identity", Value::bytes(authority.node_id)),
    ]);
    fields.push(("signatures".to_owned(), Value::Array(vec![signature])));
    Value::Map(fields).document()
}

fn rejection(reject: &Reject) -> [(String, Value); 3] {
    let code = match reject.code {
        RejectCode::SysUnknown => RejectCode::SysTransient,
        code => code,
    };
    [
        ("reject_code".to_owned(), Value::Unsigned(code as u64)),
        ("reject_message".to_owned(), Value::text(&reject.message)),
        ("error_code".to_owned(), Value::text(reject.error_code)),
    ]
}
