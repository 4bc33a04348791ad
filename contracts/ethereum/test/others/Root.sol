// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The members' root and count where a Safe or an Aragon DAO would keep them: no more than
/// what the registry does with a membership batch, for one owner.
contract Root {
    address private immutable OWNER;
    bytes32 private root;
    uint32 private count;

    event Changed(bytes32 root, uint32 count, bytes32 deltaHash);

    constructor(address owner, bytes32 root_) {
        (OWNER, root, count) = (owner, root_, 1);
    }

    function set(bytes32 previous, bytes32 root_, uint32 count_, bytes32 deltaHash) external {
        require(msg.sender == OWNER && previous == root, "stale");
        (root, count) = (root_, count_);
        emit Changed(root_, count_, deltaHash);
    }
}
