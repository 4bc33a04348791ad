// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/IRegistry.sol";
import {Signing} from "./Signing.sol";
import {vm} from "./Vm.sol";
import {Wallet} from "./Wallets.sol";

/// @notice A contract account that holds a seat and answers ERC-1271 as nobody should.
contract HostileTest is Signing {
    Wallet internal wallet;
    bytes internal actions;
    uint64 internal seq;
    bytes32 internal digest;

    function setUp() public override {
        super.setUp();
        wallet = new Wallet();
        seat(address(wallet));
        seat(vm.addr(ERIN));
        act(ALICE, threshold(3));
        actions = membersRoot(ROOT, DELTA);
        seq = propose(ALICE, actions);
        digest = digestOf(seq, actions, inOneDay());
    }

    function test_aWordThatSaysYesIsTheOnlyYes() public {
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; i <= uint256(type(Wallet.Answer).max); i++) {
            Wallet.Answer answer = Wallet.Answer(i);
            if (answer == Wallet.Answer.Reenters) continue;
            vm.warp(block.timestamp | 1); // Flips says no.
            wallet.says(answer);
            bool yes = answer == Wallet.Answer.Yes || answer == Wallet.Answer.LongYes;
            try registry.approveBySigs{gas: 5_000_000}(
                ctx, seq, keccak256(actions), inOneDay(), only(byWallet())
            ) {
                vm.assertTrue(yes, "passed");
                vm.assertEq(registry.proposal(ctx, seq).approvals, 3);
            } catch (bytes memory reason) {
                vm.assertFalse(yes);
                vm.assertTrue(
                    reason.length == 0 || bytes4(reason) == IRegistry.E26_BadSignature.selector,
                    "refused with the one code, or out of gas"
                );
                vm.assertEq(registry.proposal(ctx, seq).approvals, 1);
            }
            vm.revertToState(before);
        }
    }

    function test_othersApproveWithoutIt() public {
        wallet.says(Wallet.Answer.Burns);
        IRegistry.SignedApproval[] memory list = new IRegistry.SignedApproval[](2);
        (list[0], list[1]) = (byWallet(), approval(ERIN, digest));
        sort(list);
        (bool ok,) = address(registry).call{gas: 3_000_000}(
            abi.encodeCall(
                IRegistry.approveBySigs, (ctx, seq, keccak256(actions), inOneDay(), list)
            )
        );
        vm.assertFalse(ok);
        vm.assertEq(registry.proposal(ctx, seq).approvals, 1);
        hand(seq, actions, only(approval(ERIN, digest)));
        vm.assertEq(registry.proposal(ctx, seq).approvals, 5);
    }

    function test_itCannotActWhileItIsAsked() public {
        bytes32 hash = keccak256(actions);
        bytes[4] memory calls = [
            abi.encodeCall(IRegistry.approve, (ctx, seq, hash)),
            abi.encodeCall(IRegistry.renounce, (ctx)),
            abi.encodeCall(IRegistry.propose, (ctx, meta(DELTA), inOneDay())),
            abi.encodeCall(
                IRegistry.approveBySigs, (ctx, seq, hash, inOneDay(), only(approval(ERIN, digest)))
            )
        ];
        (uint256 word, bytes32 logged) = registry.head(ctx);
        for (uint256 i = 0; i < calls.length; i++) {
            wallet.reenters(address(registry), calls[i]);
            IRegistry.SignedApproval[] memory list = only(byWallet());
            vm.expectRevert();
            registry.approveBySigs{gas: 5_000_000}(ctx, seq, hash, inOneDay(), list);
            (uint256 word_, bytes32 logged_) = registry.head(ctx);
            vm.assertEq(word_, word);
            vm.assertEq(logged_, logged);
            vm.assertEq(registry.proposal(ctx, seq).approvals, 1);
        }
    }

    function test_readingWhileItIsAskedShowsTheStateBefore() public {
        // Asking for the head changes nothing, so it may; what it sees has no approval half given.
        Spy spy = new Spy(registry, ctx, seq);
        act2of2(address(spy));
        IRegistry.SignedApproval[] memory list = new IRegistry.SignedApproval[](2);
        bytes32 own = digestOf(seq, actions, inOneDay());
        (list[0], list[1]) = (IRegistry.SignedApproval(address(spy), ""), approval(ERIN, own));
        sort(list);
        hand(seq, actions, list);
        vm.assertEq(registry.proposal(ctx, seq).status, 2);
    }

    function test_aChangedMindDoesNotUndoWhatWasApproved() public {
        wallet.says(Wallet.Answer.Flips);
        vm.warp((block.timestamp | 1) + 1);
        uint64 deadline = inOneDay();
        registry.approveBySigs(ctx, seq, keccak256(actions), deadline, only(byWallet()));
        vm.warp(block.timestamp + 1);
        hand(seq, actions, only(approval(ERIN, digestOf(seq, actions, inOneDay()))));
        registry.execute(ctx, seq, actions);
        vm.assertEq(registry.record(ctx).membersRoot, DELTA);
    }

    function test_anAccountWithoutCodeIsNotAsked() public {
        IRegistry.SignedApproval[] memory list =
            only(IRegistry.SignedApproval(vm.addr(ERIN), abi.encode(bytes4(0x1626ba7e))));
        vm.expectRevert(IRegistry.E26_BadSignature.selector);
        hand(seq, actions, list);
    }

    function byWallet() private view returns (IRegistry.SignedApproval memory) {
        return IRegistry.SignedApproval(address(wallet), "whatever");
    }

    /// @dev Seats `who` by all three, and proposes anew.
    function act2of2(address who) private {
        bytes memory nomination = nominate(who, 1 hours);
        uint64 other = propose(ALICE, nomination);
        approve(vm.addr(ERIN), other, nomination);
        approve(address(wallet), other, nomination);
        registry.execute(ctx, other, nomination);
        vm.prank(who);
        registry.acceptAdmin(ctx);
        seq = propose(ALICE, actions);
        Spy(who).watch(seq);
    }
}

/// @notice Says yes if the registry shows the proposal as it was before.
contract Spy {
    IRegistry private immutable REGISTRY;
    bytes32 private immutable CTX;
    uint64 private seq;

    constructor(IRegistry registry, bytes32 ctx, uint64 seq_) {
        (REGISTRY, CTX, seq) = (registry, ctx, seq_);
    }

    function watch(uint64 seq_) external {
        seq = seq_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        IRegistry.Proposal memory p = REGISTRY.proposal(CTX, seq);
        return p.approvals == 1 && p.status == 1 ? bytes4(0x1626ba7e) : bytes4(0);
    }
}
