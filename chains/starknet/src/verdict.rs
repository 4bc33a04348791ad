//! Starknet's own kinds of fields in statements, beside those that all chains have.

use chain::verdict::{Derived, Input, Refusal};
use serde_json::Value;

use crate::felt::{self, Felt};

/// Most felts in one list of a statement.
const LIST_MAX: usize = 16_384;

/// The felt in the field `name`.
pub(crate) fn felt(input: Input<'_>, name: &str) -> Result<Felt, Refusal> {
    felt_of(input.value(name)?, name)
}

/// As [`felt()`], of any value; `name` is what errors call it.
pub(crate) fn felt_of(value: &Value, name: &str) -> Result<Felt, Refusal> {
    let felt = value.as_str().and_then(felt::parse_hex);
    felt.ok_or_else(|| format!("`{name}` is no felt: 0x and digits, below the prime").into())
}

/// The felts in the field `name`.
pub(crate) fn felts(input: Input<'_>, name: &str) -> Result<Vec<Felt>, Refusal> {
    bounded(input.list(name)?, name)?.iter().map(|value| felt_of(value, name)).collect()
}

/// The list, if it is not too long.
pub(crate) fn bounded<'a>(list: &'a [Value], name: &str) -> Result<&'a [Value], Refusal> {
    if list.len() <= LIST_MAX {
        return Ok(list);
    }
    Err(format!("`{name}` has more than {LIST_MAX} items").into())
}

/// Tells `found` under `name`; a statement that claims another value there is refused.
pub(crate) fn tell(
    derived: &mut Derived,
    input: Input<'_>,
    name: &str,
    found: &Felt,
) -> Result<(), Refusal> {
    derived.put(name, felt::to_hex(found));
    if input.has(name) && felt(input, name)? != *found {
        return Err(format!("`{name}` is {} in truth", felt::to_hex(found)).into());
    }
    Ok(())
}
