//! What an answer rests on.

use core::fmt;

/// What an answer rests on. It says so beside every answer, and policy decides what is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Who vouches for the block that the answer is about.
    pub block: Vouched,
    /// How the answer hangs on that block.
    pub answer: Shown,
}

/// Who vouches for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// The chain's own consensus: its validators' signatures were checked here.
    Consensus,
    /// Whoever orders the chain: its signature was checked here.
    Sequencer,
    /// So many endpoints say the same.
    Endpoints {
        /// How many agree.
        agreeing: usize,
        /// How many there are.
        of: usize,
    },
}

/// How an answer hangs on its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// By a proof under the block's roots.
    Proved,
    /// So many endpoints say the same.
    Told {
        /// How many agree.
        agreeing: usize,
        /// How many there are.
        of: usize,
    },
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.block {
            Vouched::Consensus => f.write_str("block proved by consensus")?,
            Vouched::Sequencer => f.write_str("block signed by the sequencer")?,
            Vouched::Endpoints { agreeing, of } => {
                write!(f, "block witnessed by {agreeing} of {of} endpoints")?;
            }
        }
        match self.answer {
            Shown::Proved => f.write_str(", record proved under it"),
            Shown::Told { agreeing, of } => {
                write!(f, ", record only told, by {agreeing} of {of} endpoints")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_reads_as_a_sentence() {
        let witnessed = Vouched::Endpoints { agreeing: 2, of: 3 };
        let told = Shown::Told { agreeing: 2, of: 3 };
        for (block, answer, text) in [
            (
                Vouched::Consensus,
                Shown::Proved,
                "block proved by consensus, record proved under it",
            ),
            (
                Vouched::Sequencer,
                Shown::Proved,
                "block signed by the sequencer, record proved under it",
            ),
            (
                witnessed,
                Shown::Proved,
                "block witnessed by 2 of 3 endpoints, record proved under it",
            ),
            (
                witnessed,
                told,
                "block witnessed by 2 of 3 endpoints, record only told, by 2 of 3 endpoints",
            ),
        ] {
            assert_eq!(Trust { block, answer }.to_string(), text);
        }
    }
}
