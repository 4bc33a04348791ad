//! A word that is compared and set, as a members root is: what a multisig account's own decision
//! is measured with.

#[starknet::interface]
trait IRoot<T> {
    fn set(ref self: T, previous: u256, next: u256);
}

#[starknet::contract]
mod Root {
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};

    #[storage]
    struct Storage {
        root: u256,
    }

    #[abi(embed_v0)]
    impl RootImpl of super::IRoot<ContractState> {
        fn set(ref self: ContractState, previous: u256, next: u256) {
            assert(self.root.read() == previous, 'changed since');
            self.root.write(next);
        }
    }
}
