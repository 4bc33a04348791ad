//! What tells networks and forks apart.

use alloy::primitives::{B256, b256};

/// Weak subjectivity period of a network with 262,144 validators and more, about 15.7 days. Source:
/// consensus-specs, `phase0/weak-subjectivity.md`, the last row of its table.
const WEAK_SUBJECTIVITY_EPOCHS: u64 = 3_532;

/// How large committees and epochs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// 512 keys; epochs of 32 slots, periods of 256 epochs.
    Mainnet,
    /// 32 keys; epochs of 8 slots, periods of 8 epochs. For tests of the standard.
    Minimal,
}

/// The shape of what light clients are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fork {
    /// Without execution headers. Bellatrix is the same.
    Altair,
    /// With execution headers of 15 fields.
    Capella,
    /// With execution headers of 17 fields.
    Deneb,
    /// With a deeper beacon state. Fulu is the same.
    Electra,
}

/// A fork of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForkAt {
    /// Its first epoch.
    pub epoch: u64,
    /// What its signatures are bound to.
    pub version: [u8; 4],
    /// The shape of its messages.
    pub fork: Fork,
}

/// A beacon chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Committee and epoch sizes.
    pub preset: Preset,
    /// What its signatures are bound to.
    pub genesis_validators_root: B256,
    /// When slot 0 began, Unix seconds.
    pub genesis_time_s: u64,
    /// Seconds per slot.
    pub slot_s: u64,
    /// How long a final block may be believed after it was final, in epochs.
    pub weak_subjectivity_epochs: u64,
    /// Its forks since Altair, ascending.
    pub forks: Vec<ForkAt>,
}

impl Preset {
    /// How many keys a committee has.
    pub const fn committee_len(self) -> usize {
        match self {
            Self::Mainnet => 512,
            Self::Minimal => 32,
        }
    }

    const fn slots_per_epoch(self) -> u64 {
        match self {
            Self::Mainnet => 32,
            Self::Minimal => 8,
        }
    }

    const fn epochs_per_period(self) -> u64 {
        match self {
            Self::Mainnet => 256,
            Self::Minimal => 8,
        }
    }

    /// The sync committee period of a slot.
    pub const fn period(self, slot: u64) -> u64 {
        slot / (self.slots_per_epoch() * self.epochs_per_period())
    }

    const fn epoch(self, slot: u64) -> u64 {
        slot / self.slots_per_epoch()
    }
}

impl Fork {
    /// Depth and index of the finalized root in a beacon state.
    pub(super) const fn finality(self) -> (usize, usize) {
        match self {
            Self::Altair | Self::Capella | Self::Deneb => (6, 41),
            Self::Electra => (7, 41),
        }
    }

    /// Depth and index of the current sync committee in a beacon state.
    pub(super) const fn current_committee(self) -> (usize, usize) {
        match self {
            Self::Altair | Self::Capella | Self::Deneb => (5, 22),
            Self::Electra => (6, 22),
        }
    }

    /// Depth and index of the next sync committee in a beacon state.
    pub(super) const fn next_committee(self) -> (usize, usize) {
        match self {
            Self::Altair | Self::Capella | Self::Deneb => (5, 23),
            Self::Electra => (6, 23),
        }
    }

    /// By its name in lower case.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "altair" | "bellatrix" => Some(Self::Altair),
            "capella" => Some(Self::Capella),
            "deneb" => Some(Self::Deneb),
            "electra" | "fulu" => Some(Self::Electra),
            _ => None,
        }
    }
}

/// Fork versions count up in the first byte; the rest tells networks apart.
fn forks(rest: [u8; 3], forks: &[(u64, u8, Fork)]) -> Vec<ForkAt> {
    let [second, third, fourth] = rest;
    let at = |(epoch, first, fork): &(u64, u8, Fork)| ForkAt {
        epoch: *epoch,
        version: [*first, second, third, fourth],
        fork: *fork,
    };
    forks.iter().map(at).collect()
}

impl Network {
    fn public(genesis_validators_root: B256, genesis_time_s: u64, forks: Vec<ForkAt>) -> Self {
        Self {
            preset: Preset::Mainnet,
            genesis_validators_root,
            genesis_time_s,
            slot_s: 12,
            weak_subjectivity_epochs: WEAK_SUBJECTIVITY_EPOCHS,
            forks,
        }
    }

    /// Ethereum's main network, up to Fulu (December 2025). Source: consensus-specs,
    /// `configs/mainnet.yaml`.
    pub fn mainnet() -> Self {
        Self::public(
            b256!("4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95"),
            1_606_824_023,
            forks(
                [0, 0, 0],
                &[
                    (74_240, 1, Fork::Altair),
                    (144_896, 2, Fork::Altair),
                    (194_048, 3, Fork::Capella),
                    (269_568, 4, Fork::Deneb),
                    (364_032, 5, Fork::Electra),
                    (411_392, 6, Fork::Electra),
                ],
            ),
        )
    }

    /// The test network for applications, up to Fulu. Source: eth-clients/sepolia.
    pub fn sepolia() -> Self {
        // Its versions differ in the last byte alone.
        let fork = |epoch, last, fork| ForkAt { epoch, version: [0x90, 0, 0, last], fork };
        Self::public(
            b256!("d8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078"),
            1_655_733_600,
            vec![
                fork(50, 0x70, Fork::Altair),
                fork(100, 0x71, Fork::Altair),
                fork(56_832, 0x72, Fork::Capella),
                fork(132_608, 0x73, Fork::Deneb),
                fork(222_464, 0x74, Fork::Electra),
                fork(272_640, 0x75, Fork::Electra),
            ],
        )
    }

    /// The test network for validators, up to Fulu. Source: eth-clients/hoodi.
    pub fn hoodi() -> Self {
        Self::public(
            b256!("212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f"),
            1_742_213_400,
            forks(
                [0, 0x09, 0x10],
                &[
                    (0, 0x20, Fork::Altair),
                    (0, 0x30, Fork::Altair),
                    (0, 0x40, Fork::Capella),
                    (0, 0x50, Fork::Deneb),
                    (2_048, 0x60, Fork::Electra),
                    (50_688, 0x70, Fork::Electra),
                ],
            ),
        )
    }

    /// The slot at `now_s` (Unix seconds).
    pub const fn slot_at(&self, now_s: u64) -> u64 {
        now_s.saturating_sub(self.genesis_time_s) / if self.slot_s == 0 { 1 } else { self.slot_s }
    }

    /// How long a final block may be believed, in seconds.
    pub const fn weak_subjectivity_s(&self) -> u64 {
        let slots = self.weak_subjectivity_epochs.saturating_mul(self.preset.slots_per_epoch());
        slots.saturating_mul(self.slot_s)
    }

    /// When a slot began, Unix seconds.
    pub const fn time_of(&self, slot: u64) -> u64 {
        self.genesis_time_s.saturating_add(slot.saturating_mul(self.slot_s))
    }

    /// The fork in force at `slot`; `None` before Altair.
    pub fn fork_at(&self, slot: u64) -> Option<ForkAt> {
        let epoch = self.preset.epoch(slot);
        self.forks.iter().rev().find(|fork| fork.epoch <= epoch).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_its_fork() {
        let check = |network: &Network, slot: u64, version: Option<[u8; 4]>| {
            assert_eq!(network.fork_at(slot).map(|fork| fork.version), version, "slot {slot}");
        };
        let mainnet = Network::mainnet();
        check(&mainnet, 74_240 * 32 - 1, None);
        check(&mainnet, 74_240 * 32, Some([1, 0, 0, 0]));
        check(&mainnet, 364_032 * 32 - 1, Some([4, 0, 0, 0]));
        check(&mainnet, 364_032 * 32, Some([5, 0, 0, 0]));
        check(&mainnet, u64::MAX, Some([6, 0, 0, 0]));
        check(&Network::sepolia(), 272_640 * 32, Some([0x90, 0, 0, 0x75]));
        check(&Network::hoodi(), 0, Some([0x50, 0, 0x09, 0x10]));
        check(&Network::hoodi(), 2_048 * 32, Some([0x60, 0, 0x09, 0x10]));
    }

    #[test]
    fn slots_and_times_go_both_ways() {
        let mainnet = Network::mainnet();
        assert_eq!(mainnet.time_of(4_700_013), 1_663_224_179);
        assert_eq!(mainnet.slot_at(1_663_224_179), 4_700_013);
        assert_eq!(mainnet.slot_at(1_663_224_178), 4_700_012);
        assert_eq!(mainnet.slot_at(0), 0);
        assert_eq!(mainnet.time_of(u64::MAX), u64::MAX);
        assert_eq!(mainnet.preset.period(8_191), 0);
        assert_eq!(mainnet.preset.period(8_192), 1);
    }
}
