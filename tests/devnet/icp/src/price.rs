//! What things cost, in cycles, on a subnet of 13 nodes. An outline: storage costs nothing here.
//! Source: Internet Computer documentation, "Cycles costs".

/// A new canister.
pub(crate) const CANISTER: u128 = 500_000_000_000;
/// What a canister has if nobody says otherwise.
pub(crate) const ENDOWMENT: u128 = 100_000_000_000_000;
const EXECUTION: u128 = 5_000_000;
const INSTRUCTION: u128 = 1;
const INGRESS: u128 = 1_200_000;
const INGRESS_BYTE: u128 = 2_000;
const CALL: u128 = 260_000;
const CALL_BYTE: u128 = 1_000;

/// One message that took so many instructions.
pub(crate) fn execution(instructions: u64) -> u128 {
    EXECUTION + INSTRUCTION * u128::from(instructions)
}

/// A message from outside with so many bytes, paid by its receiver.
pub(crate) fn ingress(bytes: usize) -> u128 {
    INGRESS + INGRESS_BYTE * bytes as u128
}

/// An inter-canister call with so many bytes, paid by the caller.
pub(crate) fn call(bytes: u64) -> u128 {
    CALL + CALL_BYTE * u128::from(bytes)
}
