// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Head, HeadWord} from "../src/Head.sol";
import {IRegistry} from "../src/IRegistry.sol";
import {vm} from "./Vm.sol";

/// @notice One registry, one context of Alice's without delays, and words for what people do to it.
abstract contract Fixture {
    using HeadWord for uint256;

    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    address internal constant CAROL = address(0xCA401);
    address internal constant DAVE = address(0xDA7E);
    address internal constant STRANGER = address(0x5742);

    bytes32 internal constant SALT = keccak256("salt");
    bytes32 internal constant ROOT = keccak256("members at first");
    bytes32 internal constant DELTA = keccak256("delta");

    IRegistry internal registry;
    bytes32 internal ctx;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        registry = deploy();
        ctx = create(ALICE, SALT, noDelays());
    }

    /// @dev What `forge build src` built: the very code that is published.
    function deploy() internal returns (IRegistry) {
        return IRegistry(vm.deployCode("out/Registry.sol/Registry.json"));
    }

    // ---------------------------------------------------------------- acts

    function create(address by, bytes32 salt, uint32[4] memory delays) internal returns (bytes32) {
        IRegistry.Terms memory t = terms(delays);
        vm.prank(by);
        return registry.create(salt, t);
    }

    function act(address by, bytes memory actions) internal returns (uint64) {
        vm.prank(by);
        return registry.act(ctx, actions, inOneDay());
    }

    function propose(address by, bytes memory actions) internal returns (uint64) {
        vm.prank(by);
        return registry.propose(ctx, actions, inOneDay());
    }

    function approve(address by, uint64 seq, bytes memory actions) internal {
        vm.prank(by);
        registry.approve(ctx, seq, keccak256(actions));
    }

    /// @dev Nominates by a threshold of one, so only before it is raised.
    function seat(address who) internal {
        act(ALICE, nominate(who, 1 hours));
        vm.prank(who);
        registry.acceptAdmin(ctx);
    }

    /// @dev Alice, Bob and Carol; two of three.
    function twoOfThree() internal {
        seat(BOB);
        seat(CAROL);
        act(ALICE, threshold(2));
    }

    // ---------------------------------------------------------------- values

    function terms(uint32[4] memory delays) internal pure returns (IRegistry.Terms memory t) {
        t.appHash = keccak256("application");
        t.membersRoot = ROOT;
        t.membersCount = 1;
        t.delays = delays;
        t.contextKeyHash = keccak256("genesis");
    }

    function noDelays() internal pure returns (uint32[4] memory delays) {}

    function head() internal view returns (Head memory) {
        (uint256 word,) = registry.head(ctx);
        return word.unpack();
    }

    function logHead() internal view returns (bytes32 value) {
        (, value) = registry.head(ctx);
    }

    function inOneDay() internal view returns (uint64) {
        return uint64(block.timestamp + 1 days);
    }

    // ---------------------------------------------------------------- actions

    function action(uint8 kind, bytes memory payload) internal pure returns (bytes memory) {
        return abi.encodePacked(kind, uint16(payload.length), payload);
    }

    function nominate(address who, uint32 ttl) internal pure returns (bytes memory) {
        return action(0x01, abi.encodePacked(uint8(20), who, ttl));
    }

    function remove(address who) internal pure returns (bytes memory) {
        return action(0x02, abi.encodePacked(uint8(20), who));
    }

    function threshold(uint8 value) internal pure returns (bytes memory) {
        return action(0x03, abi.encodePacked(value));
    }

    function membersRoot(bytes32 previous, bytes32 next) internal pure returns (bytes memory) {
        return action(0x05, abi.encodePacked(previous, next, uint32(2), DELTA));
    }

    function application(bytes32 hash) internal pure returns (bytes memory) {
        return action(0x08, abi.encodePacked(hash, bytes32(0)));
    }

    function inviteRoot(bytes32 previous, bytes32 next) internal pure returns (bytes memory) {
        return action(0x09, abi.encodePacked(previous, next));
    }

    function delay(uint8 class, uint32 secs) internal pure returns (bytes memory) {
        return action(0x04, abi.encodePacked(class, secs));
    }

    function caps(bytes32 keyHash, uint32 bits) internal pure returns (bytes memory) {
        return action(0x0A, abi.encodePacked(keyHash, bits));
    }

    function guardian(address who) internal pure returns (bytes memory) {
        if (who == address(0)) return action(0x0B, hex"00");
        return action(0x0B, abi.encodePacked(uint8(20), who));
    }

    function dissolve() internal pure returns (bytes memory) {
        return action(0x0F, "");
    }

    function meta(bytes32 hash) internal pure returns (bytes memory) {
        return action(0x10, abi.encodePacked(hash));
    }
}
