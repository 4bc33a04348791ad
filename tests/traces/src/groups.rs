//! The traces, a group a file.

mod act;
mod actions;
mod approve;
mod approve_and_execute;
mod approve_by_sigs;
mod batch;
mod claim;
mod classes;
mod close;
mod create;
mod evidence;
mod execute;
mod life;
mod propose;
mod seats;
mod unapprove;

use anyhow::{Result, ensure};

use crate::{cast::Cast, scene::Written, script::Script};

type Group = (&'static str, fn() -> Result<Vec<Written>>);

/// In the order of the transitions.
const GROUPS: [Group; 21] = [
    ("create", create::traces),
    ("propose", propose::traces),
    ("batch", batch::traces),
    ("classes", classes::traces),
    ("act", act::traces),
    ("approve", approve::traces),
    ("approve-by-sigs", approve_by_sigs::traces),
    ("approve-and-execute", approve_and_execute::traces),
    ("unapprove", unapprove::traces),
    ("cancel", close::cancel),
    ("veto", close::veto),
    ("execute", execute::traces),
    ("actions", actions::traces),
    ("expire", close::expire),
    ("accept-admin", seats::accept),
    ("renounce", seats::renounce),
    ("bind", evidence::binds),
    ("unbind", evidence::unbinds),
    ("claim-invite", claim::traces),
    ("freeze", seats::freeze),
    ("life", life::traces),
];

/// All scripts, as they must stand in `contracts/vectors`.
///
/// # Errors
/// If the model says something else than a trace's author: each place is named.
pub fn scripts() -> Result<Vec<Script>> {
    let mut scripts = Vec::new();
    let mut broken = Vec::new();
    for (group, traces) in GROUPS {
        let mut cast = Cast::new()?;
        let mut written = Vec::new();
        for one in traces()? {
            cast.join(one.cast)?;
            broken.extend(one.broken.into_iter().map(|text| format!("{group}: {text}")));
            written.push(one.trace);
        }
        let mut script = cast.script(group);
        script.traces = written;
        scripts.push(script);
    }
    ensure!(broken.is_empty(), "the model says something else:\n{}", broken.join("\n"));
    Ok(scripts)
}
