//! Anchors of all contexts on this chain: CAM-1, version 1.

/// Keeps who governs a context, its application and the root of its members; orders what they
/// decide. Has no owner, no pause and no upgrade, takes no message of another chain, and calls
/// nobody.
#[starknet::contract]
pub mod Registry {
    use core::num::traits::Zero;
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_contract_address, get_tx_info};
    use crate::bytes::{WriterTrait, keccak, keccak_pair, text_of};
    use crate::bytes32::{Bytes32, Bytes32Trait};
    use crate::evidence::FLAG_CLAIMS;
    use crate::head::{ACTIVE, Head};
    use crate::interface::{Admin, IRegistry, Invite, Proposal, Record, Terms};
    use crate::record::{
        CREATED, RecordNode, RecordTrait, Settings, SettingsTrait, ViewTrait, caller,
        require_delays,
    };
    use crate::{error, event, evidence, proposals, record, seats};

    #[storage]
    struct Storage {
        registry_domain: Bytes32,
        records: Map<Bytes32, RecordNode>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        #[flat]
        Registry: event::Event,
    }

    #[constructor]
    fn constructor(ref self: ContractState) {
        let mut chain: ByteArray = "starknet:";
        chain.append(@text_of(get_tx_info().unbox().chain_id));
        let mut preimage: ByteArray = "cam-1";
        preimage.put_short(@chain);
        preimage.put_account(get_contract_address());
        self.registry_domain.write(keccak(@preimage));
    }

    #[abi(embed_v0)]
    impl RegistryImpl of IRegistry<ContractState> {
        // ------------------------------------------------------------ transitions, in table order

        fn create(ref self: ContractState, salt: Bytes32, terms: Terms) -> Bytes32 {
            let creator = caller();
            let context = self.context_id(creator, salt);
            let record = self.records.entry(context);
            assert(record.anchor.head.read().is_zero(), error::E01_EXISTS);
            assert(terms.flags & FLAG_CLAIMS == terms.flags, error::E03_BAD_TERMS);
            require_delays(terms.delays);
            record.context_key_hash.write(terms.context_key_hash);
            record.app_hash.write(terms.app_hash);
            record.members_root.write(terms.members_root);
            let settings = Settings {
                delays: terms.delays,
                members_count: terms.members_count,
                open_proposals: 0,
                lowering: 0,
                freeze_s: 0,
                last_freeze: 0,
            };
            record.settings.write(settings);
            if terms.guardian.is_non_zero() {
                record.guardian.write(terms.guardian);
            }
            let admin = record::Admin { seat: 1, open: 0, nominated_until: 0 };
            record.admins.entry(creator).write(admin);
            let mut head = Head {
                rev: 0,
                seats_epoch: 1,
                seq: 0,
                threshold: 1,
                admins: 1,
                status: ACTIVE,
                flags: terms.flags,
                active: 1,
            };
            let mut log_head = self.domain(context);
            let payload = created_payload(creator, salt, @terms);
            record::advance(context, ref head, ref log_head, CREATED, payload);
            record.anchor.log_head.write(log_head);
            record.store(head);
            context
        }

        fn propose(
            ref self: ContractState, context: Bytes32, actions: ByteArray, expiry: u64,
        ) -> u64 {
            proposals::propose(self.records.entry(context), context, actions, expiry)
        }

        fn act(
            ref self: ContractState, context: Bytes32, actions: ByteArray, expiry: u64,
        ) -> u64 {
            proposals::act(self.records.entry(context), context, actions, expiry)
        }

        fn approve(ref self: ContractState, context: Bytes32, seq: u64, actions_hash: Bytes32) {
            proposals::approve(self.records.entry(context), context, seq, actions_hash);
        }

        fn approve_and_execute(
            ref self: ContractState, context: Bytes32, seq: u64, actions: ByteArray,
        ) {
            proposals::approve_and_execute(self.records.entry(context), context, seq, actions);
        }

        fn unapprove(ref self: ContractState, context: Bytes32, seq: u64) {
            proposals::unapprove(self.records.entry(context), context, seq);
        }

        fn cancel(ref self: ContractState, context: Bytes32, seq: u64) {
            proposals::cancel(self.records.entry(context), context, seq);
        }

        fn veto(ref self: ContractState, context: Bytes32, seq: u64) {
            proposals::veto(self.records.entry(context), context, seq);
        }

        fn execute(ref self: ContractState, context: Bytes32, seq: u64, actions: ByteArray) {
            proposals::execute(self.records.entry(context), context, seq, actions);
        }

        fn expire(ref self: ContractState, context: Bytes32, seq: u64) {
            proposals::expire(self.records.entry(context), context, seq);
        }

        fn accept_admin(ref self: ContractState, context: Bytes32) {
            seats::accept(self.records.entry(context), context);
        }

        fn renounce(ref self: ContractState, context: Bytes32) {
            seats::renounce(self.records.entry(context), context);
        }

        fn bind(
            ref self: ContractState,
            context: Bytes32,
            scheme: u8,
            key: ByteArray,
            signature: ByteArray,
            expiry: u64,
        ) {
            let domain = self.domain(context);
            let record = self.records.entry(context);
            evidence::bind(record, context, domain, scheme, key, signature, expiry);
        }

        fn unbind(ref self: ContractState, context: Bytes32, key: ByteArray) {
            evidence::unbind(self.records.entry(context), context, key);
        }

        fn claim_invite(
            ref self: ContractState,
            context: Bytes32,
            key: ByteArray,
            invite: Invite,
            use_number: u32,
            proof: Span<Bytes32>,
            signature: ByteArray,
        ) {
            let domain = self.domain(context);
            let record = self.records.entry(context);
            evidence::claim(record, context, domain, key, invite, use_number, proof, signature);
        }

        fn freeze(ref self: ContractState, context: Bytes32, secs: u32) {
            seats::freeze(self.records.entry(context), context, secs);
        }

        // ------------------------------------------------------------ views

        fn head(self: @ContractState, context: Bytes32) -> (Bytes32, Bytes32) {
            let anchor = self.records.entry(context).anchor.read();
            (anchor.head, anchor.log_head)
        }

        fn record(self: @ContractState, context: Bytes32) -> Record {
            let record = self.records.entry(context);
            let settings = record.settings.read();
            Record {
                context_key_hash: record.context_key_hash.read(),
                app_hash: record.app_hash.read(),
                members_root: record.members_root.read(),
                meta_hash: record.meta_hash.read(),
                invite_root: record.invite_root.read(),
                members_count: settings.members_count,
                delays: [
                    record.shown_delay(settings, 0), record.shown_delay(settings, 1),
                    record.shown_delay(settings, 2), record.shown_delay(settings, 3),
                ],
                open_proposals: settings.open_proposals,
                guardian: record.guardian.read(),
                frozen_until: settings.frozen_until(),
                last_freeze: settings.last_freeze,
            }
        }

        fn admin(self: @ContractState, context: Bytes32, account: ContractAddress) -> Admin {
            let record = self.records.entry(context);
            let admin = record.admins.entry(account).read();
            let seated = admin.seat != 0;
            let (seat, since) = if seated {
                (admin.seat - 1, record.seat_since.entry(admin.seat - 1).read())
            } else {
                (0, 0)
            };
            Admin { seated, seat, since, nominated_until: admin.nominated_until, open: admin.open }
        }

        fn proposal(self: @ContractState, context: Bytes32, seq: u64) -> Proposal {
            proposals::show(self.records.entry(context), seq)
        }

        fn is_member(
            self: @ContractState, context: Bytes32, leaf: Bytes32, proof: Span<Bytes32>,
        ) -> bool {
            evidence::is_under(self.records.entry(context).members_root.read(), leaf, proof)
        }

        fn registry_domain(self: @ContractState) -> Bytes32 {
            self.registry_domain.read()
        }

        fn context_id(self: @ContractState, creator: ContractAddress, salt: Bytes32) -> Bytes32 {
            let mut preimage = "";
            preimage.put_word(self.registry_domain.read());
            preimage.put_account(creator);
            preimage.put_word(salt);
            keccak(@preimage)
        }

        fn domain(self: @ContractState, context: Bytes32) -> Bytes32 {
            keccak_pair(self.registry_domain.read().into(), context.into())
        }
    }

    fn created_payload(creator: ContractAddress, salt: Bytes32, terms: @Terms) -> ByteArray {
        let mut payload = "";
        payload.put_account(creator);
        payload.put_word(salt);
        payload.put_word(*terms.app_hash);
        payload.put_word(*terms.members_root);
        payload.put_u32(*terms.members_count);
        payload.put_u8(*terms.flags);
        for delay_s in terms.delays.span() {
            payload.put_u32(*delay_s);
        }
        if (*terms.guardian).is_zero() {
            payload.put_u8(0);
        } else {
            payload.put_account(*terms.guardian);
        }
        payload.put_word(*terms.context_key_hash);
        payload
    }
}
