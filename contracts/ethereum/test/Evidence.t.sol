// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IRegistry} from "../src/IRegistry.sol";
import {Signing} from "./Signing.sol";
import {Vm, vm} from "./Vm.sol";

/// @notice What accounts say about member keys: bindings and claims.
contract EvidenceTest is Signing {
    uint256 internal constant INVITE = 0x1471E;
    /// Order of P-256.
    uint256 internal constant N256 =
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;

    bytes internal key = "an Ed25519 key has thirty-two...";
    IRegistry.Invite internal invite;
    bytes32[] internal proof;

    function setUp() public override {
        super.setUp();
        IRegistry.Terms memory t = terms(noDelays());
        t.flags = 1;
        vm.prank(ALICE);
        ctx = registry.create(keccak256("claims"), t);
        invite = IRegistry.Invite(vm.addr(INVITE), inOneDay(), 2, 3);
        proof.push(keccak256("neighbour"));
        act(ALICE, inviteRoot(0, MerkleProof.processProof(proof, leafOf(invite))));
    }

    // ---------------------------------------------------------------- bind

    function test_anEd25519BindingIsToldAsItIs() public {
        vm.recordLogs();
        vm.prank(STRANGER);
        registry.bind(ctx, 1, key, "nodes look at this", inOneDay());
        Vm.Log memory log = vm.getRecordedLogs()[0];
        vm.assertEq(log.topics[0], IRegistry.Bound.selector);
        vm.assertEq(log.topics[1], ctx);
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(STRANGER))));
        bytes memory data = abi.encode(uint8(1), key, bytes("nodes look at this"), inOneDay());
        vm.assertEq(keccak256(log.data), keccak256(data));
    }

    function test_aSecp256k1KeySignsItsBinding() public {
        bytes memory own = secp256k1(ERIN);
        bytes32 digest = bindingOf(BOB, 2, own, inOneDay());
        bind(BOB, 2, own, signature(ERIN, digest));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(ERIN, digest);
        bytes32 high = bytes32(N - uint256(s));
        unbound(BOB, 2, own, abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)));
        unbound(BOB, 2, own, abi.encodePacked(r, s, v - 27));
        unbound(BOB, 2, own, abi.encodePacked(r, s));
        unbound(CAROL, 2, own, signature(ERIN, digest));
        unbound(BOB, 2, secp256k1(FRANK), signature(ERIN, digest));
        unbound(BOB, 2, abi.encodePacked(own, uint8(0)), signature(ERIN, digest));
        unbound(BOB, 2, own, signature(ERIN, bindingOf(BOB, 3, own, inOneDay())));
        unbound(BOB, 2, own, signature(ERIN, bindingOf(BOB, 2, own, inOneDay() + 1)));
    }

    function test_aP256KeySignsItsBinding() public {
        bytes memory own = p256(ERIN);
        bytes32 digest = bindingOf(BOB, 3, own, inOneDay());
        (bytes32 r, bytes32 s) = vm.signP256(ERIN, digest);
        bind(BOB, 3, own, abi.encodePacked(r, s));
        // Browsers do not keep s low, and nothing hangs on the form.
        bind(BOB, 3, own, abi.encodePacked(r, N256 - uint256(s)));
        unbound(BOB, 3, own, abi.encodePacked(r, s, uint8(27)));
        unbound(BOB, 3, own, abi.encodePacked(r, bytes32(0)));
        unbound(BOB, 3, own, abi.encodePacked(bytes32(0), s));
        unbound(BOB, 3, own, abi.encodePacked(r, N256));
        unbound(BOB, 3, own, abi.encodePacked(r, type(uint256).max));
        unbound(BOB, 3, p256(FRANK), abi.encodePacked(r, s));
        unbound(BOB, 3, abi.encodePacked(uint256(1), uint256(1)), abi.encodePacked(r, s));
        unbound(BOB, 3, new bytes(64), abi.encodePacked(r, s));
        unbound(CAROL, 3, own, abi.encodePacked(r, s));
        unbound(BOB, 2, own, abi.encodePacked(r, s));
    }

    /// forge-config: default.evm_version = "cancun"
    function test_aP256KeyIsCheckedWhereTheMachineCannot() public {
        (, bytes memory answer) = address(0x100).staticcall(new bytes(160));
        vm.assertEq(answer.length, 0);
        bytes memory own = p256(ERIN);
        (bytes32 r, bytes32 s) = vm.signP256(ERIN, bindingOf(BOB, 3, own, inOneDay()));
        bind(BOB, 3, own, abi.encodePacked(r, s));
        bind(BOB, 3, own, abi.encodePacked(r, N256 - uint256(s)));
        unbound(BOB, 3, own, abi.encodePacked(s, r));
    }

    function test_E60_aBindingIsBounded() public {
        unbound(BOB, 0, key, "signature");
        unbound(BOB, 4, key, "signature");
        unbound(BOB, 255, key, "signature");
        unbound(BOB, 1, "", "signature");
        unbound(BOB, 1, new bytes(97), "signature");
        unbound(BOB, 1, key, "");
        unbound(BOB, 1, key, new bytes(257));
        bind(BOB, 1, new bytes(96), new bytes(256));
        vm.expectRevert(IRegistry.E60_BadBinding.selector);
        registry.bind(ctx, 1, key, "signature", uint64(block.timestamp - 1));
        registry.bind(ctx, 1, key, "signature", uint64(block.timestamp));
    }

    function test_bindingsLeaveNothingInStorage() public {
        (uint256 word, bytes32 logged) = registry.head(ctx);
        bind(BOB, 1, key, "signature");
        vm.prank(BOB);
        registry.unbind(ctx, key);
        (uint256 word_, bytes32 logged_) = registry.head(ctx);
        vm.assertEq(word_, word);
        vm.assertEq(logged_, logged);
    }

    function test_E10_nothingIsToldOfUnknownContexts() public {
        ctx = keccak256("unknown");
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.bind(ctx, 0, "", "", 0);
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.unbind(ctx, "");
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.claimInvite(ctx, "", invite, 0, proof, "");
        vm.expectRevert(IRegistry.E10_NotActive.selector);
        registry.freeze(ctx, 1);
    }

    function test_whoUnbindsNamesTheKey() public {
        vm.recordLogs();
        vm.prank(BOB);
        registry.unbind(ctx, key);
        Vm.Log memory log = vm.getRecordedLogs()[0];
        vm.assertEq(log.topics[0], IRegistry.Unbound.selector);
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(BOB))));
        vm.assertEq(keccak256(log.data), keccak256(abi.encode(key)));
    }

    // ---------------------------------------------------------------- claim

    function test_anInvitationServesAsOftenAsItSays() public {
        vm.recordLogs();
        claim(BOB, 0);
        Vm.Log memory log = vm.getRecordedLogs()[0];
        vm.assertEq(log.topics[0], IRegistry.Claimed.selector);
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(BOB))));
        vm.assertEq(keccak256(log.data), keccak256(abi.encode(key, leafOf(invite), uint32(0))));
        claim(CAROL, 2);
        claim(DAVE, 1);
        unclaimed(IRegistry.E74_InviteUsed.selector, DAVE, 1);
        unclaimed(IRegistry.E71_NotInvited.selector, DAVE, 3);
    }

    function test_E70_claimsAreAnOption() public {
        ctx = create(ALICE, keccak256("none"), noDelays());
        unclaimed(IRegistry.E70_NoClaims.selector, BOB, 0);
    }

    function test_E71_anInvitationIsUnderTheRoot() public {
        invite.role = 3;
        unclaimed(IRegistry.E71_NotInvited.selector, BOB, 0);
        invite.role = 2;
        invite.uses = 4;
        unclaimed(IRegistry.E71_NotInvited.selector, BOB, 3);
        invite.uses = 3;
        proof[0] = keccak256("other");
        unclaimed(IRegistry.E71_NotInvited.selector, BOB, 0);
        proof[0] = keccak256("neighbour");
        // A new root takes back what the old one let.
        bytes32 root = registry.record(ctx).inviteRoot;
        act(ALICE, inviteRoot(root, DELTA));
        unclaimed(IRegistry.E71_NotInvited.selector, BOB, 0);
        act(ALICE, inviteRoot(DELTA, 0));
        unclaimed(IRegistry.E71_NotInvited.selector, BOB, 0);
    }

    function test_E71_aProofHasAtMostThirtyTwoSteps() public {
        bytes32[] memory long = new bytes32[](33);
        bytes32 root = registry.record(ctx).inviteRoot;
        act(ALICE, inviteRoot(root, MerkleProof.processProof(long, leafOf(invite))));
        bytes memory sig = signature(INVITE, claimOf(BOB, key));
        vm.expectRevert(IRegistry.E71_NotInvited.selector);
        vm.prank(BOB);
        registry.claimInvite(ctx, key, invite, 0, long, sig);
    }

    function test_E72_anInvitationEnds() public {
        vm.warp(invite.expiry);
        claim(BOB, 0);
        vm.warp(invite.expiry + 1);
        unclaimed(IRegistry.E72_InviteExpired.selector, BOB, 1);
    }

    function test_E73_theInviteKeySignsForOneAccountKeyAndContext() public {
        wrong(signature(INVITE, claimOf(CAROL, key)));
        wrong(signature(INVITE, claimOf(BOB, "another key")));
        wrong(signature(ERIN, claimOf(BOB, key)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(INVITE, claimOf(BOB, key));
        bytes32 high = bytes32(N - uint256(s));
        wrong(abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)));
        wrong(abi.encodePacked(r, s, v - 27));
        wrong(abi.encodePacked(r, s));
        wrong("");
        bytes32 own = ctx;
        ctx = keccak256("other");
        bytes memory foreign = signature(INVITE, claimOf(BOB, key));
        ctx = own;
        wrong(foreign);
    }

    function test_E73_aMemberKeyHasOneToNinetySixBytes() public {
        key = "";
        wrong(signature(INVITE, claimOf(BOB, key)));
        key = new bytes(97);
        wrong(signature(INVITE, claimOf(BOB, key)));
        key = new bytes(96);
        claim(BOB, 0);
    }

    function test_E73_nobodysKeyInvitesNobody() public {
        invite.key = address(0);
        bytes32 root = registry.record(ctx).inviteRoot;
        act(ALICE, inviteRoot(root, MerkleProof.processProof(proof, leafOf(invite))));
        wrong("");
        wrong(new bytes(65));
    }

    function test_aWatcherCannotTurnAClaimIntoItsOwn() public {
        bytes memory sig = signature(INVITE, claimOf(BOB, key));
        vm.expectRevert(IRegistry.E73_BadInviteSignature.selector);
        vm.prank(CAROL);
        registry.claimInvite(ctx, key, invite, 0, proof, sig);
        vm.prank(BOB);
        registry.claimInvite(ctx, key, invite, 0, proof, sig);
        // Another signature of the same invitation is not another use.
        unclaimed(IRegistry.E74_InviteUsed.selector, BOB, 0);
        unclaimed(IRegistry.E74_InviteUsed.selector, CAROL, 0);
    }

    // ---------------------------------------------------------------- parts

    function bind(address by, uint8 scheme, bytes memory own, bytes memory sig) private {
        vm.prank(by);
        registry.bind(ctx, scheme, own, sig, inOneDay());
    }

    function unbound(address by, uint8 scheme, bytes memory own, bytes memory sig) private {
        vm.expectRevert(IRegistry.E60_BadBinding.selector);
        bind(by, scheme, own, sig);
    }

    function claim(address by, uint32 use) private {
        bytes memory sig = signature(INVITE, claimOf(by, key));
        vm.prank(by);
        registry.claimInvite(ctx, key, invite, use, proof, sig);
    }

    function unclaimed(bytes4 why, address by, uint32 use) private {
        bytes memory sig = signature(INVITE, claimOf(by, key));
        vm.expectRevert(why);
        vm.prank(by);
        registry.claimInvite(ctx, key, invite, use, proof, sig);
    }

    function wrong(bytes memory sig) private {
        vm.expectRevert(IRegistry.E73_BadInviteSignature.selector);
        vm.prank(BOB);
        registry.claimInvite(ctx, key, invite, 0, proof, sig);
    }

    function bindingOf(address by, uint8 scheme, bytes memory own, uint64 expiry)
        private
        view
        returns (bytes32)
    {
        bytes memory head = abi.encodePacked("cam1-bind", registry.domain(ctx), uint8(20), by);
        return keccak256(abi.encodePacked(head, scheme, uint8(own.length), own, expiry));
    }

    function claimOf(address by, bytes memory own) private view returns (bytes32) {
        bytes memory head = abi.encodePacked("cam1-claim", registry.domain(ctx), uint8(20), by);
        return keccak256(abi.encodePacked(head, uint8(own.length), own));
    }

    function leafOf(IRegistry.Invite memory i) private pure returns (bytes32) {
        bytes32 once = keccak256(abi.encodePacked(i.key, i.expiry, i.role, i.uses));
        return keccak256(bytes.concat(once));
    }

    function secp256k1(uint256 secret) private returns (bytes memory) {
        Vm.Wallet memory wallet = vm.createWallet(secret);
        return abi.encodePacked(wallet.publicKeyX, wallet.publicKeyY);
    }

    function p256(uint256 secret) private pure returns (bytes memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        return abi.encodePacked(x, y);
    }
}
