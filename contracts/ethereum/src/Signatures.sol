// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EIP7702Utils} from "@openzeppelin/contracts/account/utils/EIP7702Utils.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Who signed what.
library Signatures {
    uint8 internal constant ED25519 = 1;
    uint8 internal constant SECP256K1 = 2;
    uint8 internal constant P256_ = 3;

    /// `0xef0100 ‖ address`: the code of a plain account that lets a contract act for it
    /// (EIP-7702).
    uint256 private constant DELEGATION_BYTES = 23;

    bytes32 private constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant APPROVE_TYPE =
        keccak256("Approve(bytes32 context,uint64 seq,bytes32 actionsHash,uint256 deadline)");

    /// @notice The EIP-712 digest of an approval.
    /// @dev The domain is hashed anew each time: it holds on a fork of the chain only if the fork
    /// kept the chain's id, and the code has no other immutable than the registry domain.
    function approvalDigest(bytes32 ctx, uint64 seq, bytes32 actionsHash, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPE, keccak256("Anchorhold"), keccak256("1"), block.chainid, address(this)
            )
        );
        bytes32 approve = keccak256(abi.encode(APPROVE_TYPE, ctx, seq, actionsHash, deadline));
        return MessageHashUtils.toTypedDataHash(domain, approve);
    }

    /// @notice Whether `signer` signed `digest`: plain accounts with a low `s`, contracts by
    /// ERC-1271.
    /// @dev A plain account that delegated by EIP-7702 still has its key, so its own signature is
    /// looked at first. A contract's address has no key, so that is never done for other code.
    function hold(address signer, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        uint256 size = signer.code.length;
        bool delegated =
            size == DELEGATION_BYTES && EIP7702Utils.fetchDelegate(signer) != address(0);
        if ((size == 0 || delegated) && isBy(signer, digest, signature)) return true;
        return
            size != 0
                && SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }

    /// @notice Whether the key of `signer` made `r ‖ s ‖ v` (v 27 or 28, low s) over `digest`.
    function isBy(address signer, bytes32 digest, bytes calldata signature)
        internal
        pure
        returns (bool)
    {
        // slither-disable-next-line unused-return
        (address recovered, ECDSA.RecoverError failure,) =
            ECDSA.tryRecoverCalldata(digest, signature);
        return failure == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /// @notice Whether `key` made `signature` over `digest`; true for Ed25519, which nodes check.
    function isByKey(uint8 scheme, bytes calldata key, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        if (scheme == ED25519) return true;
        if (key.length != 64) return false;
        if (scheme == SECP256K1) {
            return isBy(address(uint160(uint256(keccak256(key)))), digest, signature);
        }
        return scheme == P256_ && signature.length == 64 && _isByP256(key, digest, signature);
    }

    /// @dev Wallets and browsers do not keep `s` low on this curve, so both twins hold here;
    /// nothing depends on a binding's signature being the only one.
    function _isByP256(bytes calldata key, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool)
    {
        uint256 s = uint256(bytes32(signature[32:]));
        if (s > P256.N / 2 && s < P256.N) s = P256.N - s;
        return P256.verify(
            digest, bytes32(signature[:32]), bytes32(s), bytes32(key[:32]), bytes32(key[32:])
        );
    }
}
