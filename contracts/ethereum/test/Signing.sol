// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice People with keys, and what they sign.
abstract contract Signing is Fixture {
    uint256 internal constant ERIN = 0xE121;
    uint256 internal constant FRANK = 0xF4A2C;
    uint256 internal constant GRACE = 0x64ACE;

    /// Order of secp256k1.
    uint256 internal constant N =
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    bytes32 internal constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 internal constant APPROVE_TYPE =
        keccak256("Approve(bytes32 context,uint64 seq,bytes32 actionsHash,uint256 deadline)");

    /// @dev As a wallet does it, from the text of the standard.
    function digestOf(uint64 seq, bytes memory actions, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPE,
                keccak256("Anchorhold"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 approve_ =
            keccak256(abi.encode(APPROVE_TYPE, ctx, seq, keccak256(actions), deadline));
        return keccak256(abi.encodePacked(hex"1901", domain, approve_));
    }

    function signature(uint256 secret, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    function approval(uint256 secret, bytes32 digest)
        internal
        pure
        returns (IRegistry.SignedApproval memory)
    {
        return IRegistry.SignedApproval(vm.addr(secret), signature(secret, digest));
    }

    /// @dev Of these people, each over `digest`, signers ascending.
    function approvals(uint256[] memory secrets, bytes32 digest)
        internal
        pure
        returns (IRegistry.SignedApproval[] memory list)
    {
        list = new IRegistry.SignedApproval[](secrets.length);
        for (uint256 i = 0; i < secrets.length; i++) {
            list[i] = approval(secrets[i], digest);
        }
        sort(list);
    }

    function sort(IRegistry.SignedApproval[] memory list) internal pure {
        for (uint256 i = 1; i < list.length; i++) {
            for (uint256 j = i; j > 0 && list[j].signer < list[j - 1].signer; j--) {
                (list[j], list[j - 1]) = (list[j - 1], list[j]);
            }
        }
    }

    function only(IRegistry.SignedApproval memory one)
        internal
        pure
        returns (IRegistry.SignedApproval[] memory list)
    {
        list = new IRegistry.SignedApproval[](1);
        list[0] = one;
    }

    function two(uint256 a, uint256 b) internal pure returns (uint256[] memory secrets) {
        secrets = new uint256[](2);
        (secrets[0], secrets[1]) = (a, b);
    }

    function hand(uint64 seq, bytes memory actions, IRegistry.SignedApproval[] memory list)
        internal
    {
        registry.approveBySigs(ctx, seq, keccak256(actions), inOneDay(), list);
    }

    /// @dev Alice, Erin, Frank and Grace; three of four.
    function threeOfFour() internal {
        seat(vm.addr(ERIN));
        seat(vm.addr(FRANK));
        seat(vm.addr(GRACE));
        act(ALICE, threshold(3));
    }
}
