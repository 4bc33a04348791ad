//! A 2-of-3 account (SNIP-6), to hold a seat and act from it.

use starknet::account::Call;

#[starknet::interface]
trait IAccount<T> {
    fn __validate__(self: @T, calls: Array<Call>) -> felt252;
    fn __execute__(ref self: T, calls: Array<Call>) -> Array<Span<felt252>>;
    fn is_valid_signature(self: @T, hash: felt252, signature: Array<felt252>) -> felt252;
    fn supports_interface(self: @T, interface_id: felt252) -> bool;
}

/// Two of three keys sign, each `index, r, s`, the lower index first.
#[starknet::contract(account)]
mod Multisig {
    use core::ecdsa::check_ecdsa_signature;
    use core::num::traits::Zero;
    use starknet::account::Call;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};
    use starknet::syscalls::call_contract_syscall;
    use starknet::{SyscallResultTrait, get_caller_address, get_tx_info};

    const KEYS: u32 = 3;
    const SRC5: felt252 = 0x3f918d17e5ee77373b56385708f855659a07f75997f365cf87748628532a055;
    const SRC6: felt252 = 0x2ceccef7f994940b3962a6c67e0ba4fcd37df7d131417c604f91e03caecc1cd;

    #[storage]
    struct Storage {
        keys: Map<u32, felt252>,
    }

    #[constructor]
    fn constructor(ref self: ContractState, first: felt252, second: felt252, third: felt252) {
        self.keys.write(0, first);
        self.keys.write(1, second);
        self.keys.write(2, third);
    }

    #[abi(embed_v0)]
    impl AccountImpl of super::IAccount<ContractState> {
        fn __validate__(self: @ContractState, calls: Array<Call>) -> felt252 {
            let info = get_tx_info().unbox();
            assert(self.signed(info.transaction_hash, info.signature), 'not two of three');
            starknet::VALIDATED
        }

        fn __execute__(ref self: ContractState, calls: Array<Call>) -> Array<Span<felt252>> {
            assert(get_caller_address().is_zero(), 'only the protocol');
            let mut results = array![];
            for call in calls {
                let Call { to, selector, calldata } = call;
                results.append(call_contract_syscall(to, selector, calldata).unwrap_syscall());
            }
            results
        }

        fn is_valid_signature(
            self: @ContractState, hash: felt252, signature: Array<felt252>,
        ) -> felt252 {
            if self.signed(hash, signature.span()) {
                starknet::VALIDATED
            } else {
                0
            }
        }

        fn supports_interface(self: @ContractState, interface_id: felt252) -> bool {
            interface_id == SRC5 || interface_id == SRC6
        }
    }

    #[generate_trait]
    impl PartsImpl of PartsTrait {
        fn signed(self: @ContractState, hash: felt252, signature: Span<felt252>) -> bool {
            if signature.len() != 6 {
                return false;
            }
            let (first, second) = (index(*signature.at(0)), index(*signature.at(3)));
            first < second
                && second < KEYS
                && check_ecdsa_signature(
                    hash, self.keys.read(first), *signature.at(1), *signature.at(2),
                )
                && check_ecdsa_signature(
                    hash, self.keys.read(second), *signature.at(4), *signature.at(5),
                )
        }
    }

    /// Beyond the last key for what is no index.
    fn index(felt: felt252) -> u32 {
        felt.try_into().unwrap_or(KEYS)
    }
}
