// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {ACTIVE, Context} from "./Context.sol";
import {Head} from "./Head.sol";
import {IRegistry} from "./IRegistry.sol";
import {Signatures} from "./Signatures.sol";

/// @title T10 to T12: what accounts say about member keys.
/// @notice Evidence alone: membership changes by batches.
library Evidence {
    /// Bit of the flags: invitations may be claimed on chain.
    uint8 internal constant FLAG_CLAIMS = 1;
    uint256 internal constant PROOF_MAX = 32;
    /// A BLS12-381 key in G2 has 96 bytes.
    uint256 private constant KEY_BYTES_MAX = 96;
    uint256 private constant SIGNATURE_BYTES_MAX = 256;

    /// @notice Tells that the caller and `key` belong together, once `key` signed so.
    function bind(
        bytes32 ctx,
        Head memory h,
        bytes32 domain,
        uint8 scheme,
        bytes calldata key,
        bytes calldata signature,
        uint64 expiry
    ) internal {
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        uint256 length = signature.length;
        bool sized = _isKey(key) && length != 0 && length <= SIGNATURE_BYTES_MAX;
        if (!sized || block.timestamp > expiry) revert IRegistry.E60_BadBinding();
        bytes32 digest = keccak256(
            abi.encodePacked(
                "cam1-bind", domain, uint8(20), msg.sender, scheme, uint8(key.length), key, expiry
            )
        );
        if (!Signatures.isByKey(scheme, key, digest, signature)) revert IRegistry.E60_BadBinding();
        emit IRegistry.Bound(ctx, msg.sender, scheme, key, signature, expiry);
    }

    /// @notice Tells that the caller and `key` belong together no longer.
    function unbind(bytes32 ctx, Head memory h, bytes calldata key) internal {
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        emit IRegistry.Unbound(ctx, msg.sender, key);
    }

    /// @notice Uses one use of an invitation up, for the caller and `key`.
    function claim(
        Context storage c,
        bytes32 ctx,
        Head memory h,
        bytes32 domain,
        bytes calldata key,
        IRegistry.Invite calldata invite,
        uint32 use,
        bytes32[] calldata proof,
        bytes calldata signature
    ) internal {
        bytes32 leaf = _invited(c, h, invite, use, proof);
        bytes32 nullifier = keccak256(abi.encodePacked(leaf, use));
        if (c.nullifiers[nullifier]) revert IRegistry.E74_InviteUsed();
        bytes32 digest = keccak256(
            abi.encodePacked("cam1-claim", domain, uint8(20), msg.sender, uint8(key.length), key)
        );
        if (!_isKey(key) || !Signatures.isBy(invite.key, digest, signature)) {
            revert IRegistry.E73_BadInviteSignature();
        }
        c.nullifiers[nullifier] = true;
        emit IRegistry.Claimed(ctx, msg.sender, key, leaf, use);
    }

    /// @notice Whether `leaf` is under `root`; nothing is under no root.
    function isUnder(bytes32 root, bytes32 leaf, bytes32[] calldata proof)
        internal
        pure
        returns (bool)
    {
        return
            root != 0 && proof.length <= PROOF_MAX && MerkleProof.verifyCalldata(proof, root, leaf);
    }

    /// @dev The leaf of an invitation that has such a use and did not end.
    function _invited(
        Context storage c,
        Head memory h,
        IRegistry.Invite calldata invite,
        uint32 use,
        bytes32[] calldata proof
    ) private view returns (bytes32 leaf) {
        if (h.status != ACTIVE) revert IRegistry.E10_NotActive();
        if (h.flags & FLAG_CLAIMS == 0) revert IRegistry.E70_NoClaims();
        bytes memory fields = abi.encodePacked(invite.key, invite.expiry, invite.role, invite.uses);
        leaf = keccak256(abi.encodePacked(keccak256(fields)));
        if (use >= invite.uses || !isUnder(c.inviteRoot, leaf, proof)) {
            revert IRegistry.E71_NotInvited();
        }
        if (block.timestamp > invite.expiry) revert IRegistry.E72_InviteExpired();
    }

    function _isKey(bytes calldata key) private pure returns (bool) {
        return key.length != 0 && key.length <= KEY_BYTES_MAX;
    }
}
