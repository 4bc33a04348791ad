// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Head, HeadWord} from "../src/Head.sol";
import {IRegistry} from "../src/IRegistry.sol";
import {Vm, vm} from "./Vm.sol";

/// @notice What one context must be like, from nothing but the registry's events.
/// @dev Written from the table of transitions, in other words than the registry. A `require` that
/// fails is a broken invariant; the numbers are those of the design.
abstract contract Shadow {
    using HeadWord for uint256;

    struct Seat {
        bool taken;
        address holder;
        uint64 since;
    }

    struct Open {
        bool open;
        address proposer;
        uint64 createdRev;
        uint8 threshold;
        uint8 class;
        bool setsGuardian;
        uint256 expiry;
        uint256 eta;
        address[] approvers;
    }

    struct Lowering {
        bool lowers;
        uint256 value;
        uint256 from;
    }

    uint256 private constant SEATS = 64;

    IRegistry public immutable registry;
    bytes32 public ctx;

    uint64 public rev;
    bytes32 public logHead;
    uint64 public lastSeq;
    uint32 public seatsEpoch;
    uint8 public threshold;
    uint8 public admins;
    bool public dissolved;
    bytes32 public membersRoot;
    bytes32 public inviteRoot;
    address public guardian;
    uint256 public frozenUntil;
    uint256[4] private delays;
    Lowering[4] private lowerings;
    Seat[SEATS] private seats;
    mapping(address who => uint256) public seatOf; // + 1
    mapping(uint64 seq => Open) private proposals;
    mapping(uint64 seq => uint256) public executed;
    mapping(address who => uint256) public openBy;
    uint256 public openCount;
    mapping(bytes32 leafAndUse => uint256) public claimed;

    constructor(IRegistry registry_) {
        registry = registry_;
    }

    function begin(bytes32 ctx_, uint32[4] memory delays_) internal {
        ctx = ctx_;
        logHead = registry.domain(ctx_);
        for (uint256 i = 0; i < 4; i++) {
            delays[i] = delays_[i];
        }
    }

    /// @notice All that the registry shows of the context but proposals.
    function stateHash() public view returns (bytes32) {
        (uint256 word, bytes32 logged) = registry.head(ctx);
        return keccak256(abi.encode(word, logged, registry.record(ctx)));
    }

    // ---------------------------------------------------------------- events

    /// @dev `by` called `selector`, and this is what the registry told.
    function follow(address by, bytes4 selector, Vm.Log[] memory logs) internal {
        bytes32 governed = governedHash();
        uint64 executing = executedIn(logs);
        for (uint256 i = 0; i < logs.length; i++) {
            require(logs[i].emitter == address(registry), "another contract spoke");
            require(logs[i].topics[1] == ctx, "of another context");
            bytes32 topic = logs[i].topics[0];
            if (topic == IRegistry.Rev.selector) {
                if (executing != 0) decided(proposals[executing]);
                executing = 0;
                followRev(by, logs[i]);
            } else if (topic == IRegistry.Claimed.selector) {
                followClaim(logs[i]);
            } else if (topic == IRegistry.Proposed.selector) {
                (bytes memory actions, uint64 expiry) = abi.decode(logs[i].data, (bytes, uint64));
                proposed(by, seqIn(logs[i]), actions, expiry);
            } else {
                followProposal(by, topic, logs[i]);
            }
        }
        // I7: whoever vetoes or freezes changes nothing of what is governed.
        if (selector == IRegistry.veto.selector || selector == IRegistry.freeze.selector) {
            require(by == guardian && governedHash() == governed, "I7");
        }
        compare();
    }

    /// @dev I4: before the first action takes effect, enough of those who approved hold their seats
    /// without a break since the proposal was made.
    function decided(Open storage p) private view {
        require(counted(p) >= larger(p.threshold, threshold), "I4");
    }

    function followRev(address by, Vm.Log memory log) private {
        (uint8 kind, bytes memory payload, bytes32 said) =
            abi.decode(log.data, (uint8, bytes, bytes32));
        // I2: one by one, and the log head can be recomputed.
        rev += 1;
        require(uint256(log.topics[2]) == rev, "I2: revision");
        logHead = keccak256(abi.encodePacked(logHead, rev, kind, keccak256(payload)));
        require(said == logHead, "I2: log head");
        require(!dissolved, "a revision after the end");
        if (kind == 0x80) return created(by, payload);
        if (kind == 0x88) return seated(by, payload);
        if (kind == 0x8D) return froze(by, payload);
        if (kind == 0x89) {
            require(accountIn(payload, 1) == by, "somebody else renounced");
            vacate(by);
            if (threshold > admins) threshold = admins;
            return;
        }
        acted(kind, payload);
    }

    function acted(uint8 kind, bytes memory payload) private {
        require(block.timestamp >= frozenUntil, "executed in a freeze");
        if (kind == 0x02) vacate(accountIn(payload, 1));
        if (kind == 0x03) (threshold, seatsEpoch) = (uint8(payload[0]), seatsEpoch + 1);
        if (kind == 0x04) lower(uint8(payload[0]), number(payload, 1, 4));
        if (kind == 0x05) {
            // I9: only the root that the batch was made for is replaced.
            require(wordIn(payload, 0) == membersRoot, "I9: members");
            membersRoot = wordIn(payload, 32);
        }
        if (kind == 0x09) {
            require(wordIn(payload, 0) == inviteRoot, "I9: invitations");
            inviteRoot = wordIn(payload, 32);
        }
        if (kind == 0x0B) guardian = payload.length == 1 ? address(0) : accountIn(payload, 1);
        if (kind == 0x0F) dissolved = true;
    }

    function followClaim(Vm.Log memory log) private {
        (, bytes32 leaf, uint32 use) = abi.decode(log.data, (bytes, bytes32, uint32));
        // I8: a use serves once.
        require(++claimed[keccak256(abi.encode(leaf, use))] == 1, "I8");
    }

    function followProposal(address by, bytes32 topic, Vm.Log memory log) private {
        uint64 seq = seqIn(log);
        Open storage p = proposals[seq];
        require(p.open, "I3: closed");
        if (topic == IRegistry.Approved.selector) {
            approved(p, address(uint160(uint256(log.topics[3]))));
        } else if (topic == IRegistry.Unapproved.selector) {
            unapproved(p, by);
        } else if (topic == IRegistry.Queued.selector) {
            queued(p, abi.decode(log.data, (uint64)));
        } else if (topic == IRegistry.Executed.selector) {
            require(++executed[seq] == 1, "I3: executed twice");
            require(p.eta != 0 && p.eta <= block.timestamp, "I5: too early");
            require(block.timestamp <= p.expiry, "I5: too late");
            close(p);
        } else if (topic == IRegistry.Expired.selector) {
            require(block.timestamp > p.expiry, "expired before its time");
            close(p);
        } else if (topic == IRegistry.Vetoed.selector) {
            require(by == guardian, "vetoed by another");
            require(!(p.setsGuardian && counted(p) == admins), "entrenched");
            close(p);
        } else {
            require(topic == IRegistry.Canceled.selector, "an unknown event");
            require(by == p.proposer || seatOf[p.proposer] == 0, "canceled by another");
            close(p);
        }
    }

    function executedIn(Vm.Log[] memory logs) private pure returns (uint64) {
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].topics[0] == IRegistry.Executed.selector) return seqIn(logs[i]);
        }
        return 0;
    }

    function seqIn(Vm.Log memory log) private pure returns (uint64) {
        return uint64(uint256(log.topics[2]));
    }

    // ---------------------------------------------------------------- what they mean

    function created(address by, bytes memory payload) private {
        require(accountIn(payload, 1) == by, "made for another");
        threshold = 1;
        // account ‖ salt ‖ application ‖ members root ‖ count ‖ flags ‖ delays ‖ guardian ‖ context
        membersRoot = wordIn(payload, 85);
        if (uint8(payload[138]) == 20) guardian = accountIn(payload, 139);
        seats[0] = Seat(true, by, 0);
        seatOf[by] = 1;
        (admins, seatsEpoch) = (1, 1);
    }

    function seated(address by, bytes memory payload) private {
        // I6: nobody gets a seat but by its own call.
        require(accountIn(payload, 1) == by && seatOf[by] == 0, "I6");
        uint256 index;
        while (seats[index].taken) index++;
        seats[index] = Seat(true, by, rev);
        seatOf[by] = index + 1;
        admins += 1;
        seatsEpoch += 1;
    }

    function vacate(address who) private {
        require(seatOf[who] != 0, "no seat");
        seats[seatOf[who] - 1].taken = false;
        seatOf[who] = 0;
        admins -= 1;
        seatsEpoch += 1;
    }

    function froze(address by, bytes memory payload) private {
        uint256 until = number(payload, 0, 8);
        require(by == guardian && until > block.timestamp, "frozen by another");
        require(until <= block.timestamp + 7 days, "frozen for long");
        require(frozenUntil == 0 || until > frozenUntil + 23 days, "frozen again");
        frozenUntil = until;
    }

    function lower(uint8 class, uint256 value) private {
        uint256 present = delayOf(class);
        delays[class] = value >= present ? value : present;
        lowerings[class] = Lowering(value < present, value, block.timestamp + present);
    }

    function proposed(address by, uint64 seq, bytes memory actions, uint64 expiry) private {
        require(seq == lastSeq + 1, "I3: number");
        require(seatOf[by] != 0, "proposed by a stranger");
        lastSeq = seq;
        Open storage p = proposals[seq];
        p.open = true;
        p.proposer = by;
        p.createdRev = rev;
        p.threshold = threshold;
        (p.class, p.setsGuardian) = classOf(actions);
        p.expiry = expiry;
        p.approvers.push(by);
        require(p.class == 0 || block.timestamp >= frozenUntil, "grave in a freeze");
        openCount++;
        openBy[by]++;
    }

    function approved(Open storage p, address who) private {
        for (uint256 i = 0; i < p.approvers.length; i++) {
            require(p.approvers[i] != who, "approved twice");
        }
        require(holdsSince(who, p.createdRev), "approved by a stranger");
        p.approvers.push(who);
    }

    /// @dev I5: as long as the class asks for from the last approval on, and not past the expiry.
    function queued(Open storage p, uint256 eta) private {
        require(eta == block.timestamp + delayOf(p.class) && eta <= p.expiry, "I5: eta");
        require(p.eta == 0 && counted(p) >= larger(p.threshold, threshold), "queued too early");
        p.eta = eta;
    }

    function unapproved(Open storage p, address who) private {
        uint256 i;
        while (p.approvers[i] != who) i++;
        p.approvers[i] = p.approvers[p.approvers.length - 1];
        p.approvers.pop();
        if (counted(p) < larger(p.threshold, threshold)) p.eta = 0;
    }

    function close(Open storage p) private {
        p.open = false;
        openCount--;
        openBy[p.proposer]--;
    }

    function counted(Open storage p) private view returns (uint256 count) {
        for (uint256 i = 0; i < p.approvers.length; i++) {
            if (holdsSince(p.approvers[i], p.createdRev)) count++;
        }
    }

    function holdsSince(address who, uint64 revision) private view returns (bool) {
        return seatOf[who] != 0 && seats[seatOf[who] - 1].since <= revision;
    }

    function delayOf(uint8 class) public view returns (uint256) {
        Lowering storage l = lowerings[class];
        return l.lowers && l.from <= block.timestamp ? l.value : delays[class];
    }

    function classOf(bytes memory actions) private view returns (uint8 class, bool sets) {
        for (uint256 i = 0; i < actions.length; i += 3 + number(actions, i + 1, 2)) {
            uint8 kind = uint8(actions[i]);
            uint8 own = 2;
            if (kind == 0x05 || kind == 0x09 || kind == 0x10) own = 0;
            if (kind == 0x01 && admins < 2) own = 0;
            if (kind == 0x08 || kind == 0x0A) own = 1;
            if (kind == 0x04 || kind == 0x0B || kind == 0x0F) own = 3;
            if (own > class) class = own;
            if (kind == 0x0B) sets = true;
        }
    }

    function governedHash() private view returns (bytes32) {
        IRegistry.Record memory r = registry.record(ctx);
        (r.frozenUntil, r.lastFreeze, r.openProposals) = (0, 0, 0);
        return keccak256(abi.encode(threshold, admins, seatsEpoch, r.appHash, r.membersRoot, r));
    }

    // ---------------------------------------------------------------- the same on both sides

    function compare() private view {
        (uint256 word, bytes32 logged) = registry.head(ctx);
        Head memory h = word.unpack();
        IRegistry.Record memory r = registry.record(ctx);
        require(h.rev == rev && logged == logHead, "I2");
        require(h.seq == lastSeq && h.seatsEpoch == seatsEpoch, "counters");
        require(h.threshold == threshold && h.admins == admins, "seats");
        require(h.status == (dissolved ? 2 : 1) && h.flags == 1, "status");
        require(r.membersRoot == membersRoot && r.inviteRoot == inviteRoot, "roots");
        require(r.guardian == guardian && r.frozenUntil == frozenUntil, "guardian");
        require(r.openProposals == openCount, "I11");
        for (uint8 class = 0; class < 4; class++) {
            require(r.delays[class] == delayOf(class), "delays");
        }
    }

    function larger(uint8 a, uint8 b) private pure returns (uint8) {
        return a > b ? a : b;
    }

    function isOpen(uint64 seq) public view returns (bool) {
        return proposals[seq].open;
    }

    function etaOf(uint64 seq) public view returns (uint256) {
        return proposals[seq].eta;
    }

    function holderOf(uint256 index) public view returns (address) {
        return seats[index].taken ? seats[index].holder : address(0);
    }

    function accountIn(bytes memory data, uint256 from) private pure returns (address) {
        return address(uint160(number(data, from, 20)));
    }

    function wordIn(bytes memory data, uint256 from) private pure returns (bytes32) {
        return bytes32(number(data, from, 32));
    }

    function number(bytes memory data, uint256 from, uint256 length)
        private
        pure
        returns (uint256 value)
    {
        for (uint256 i = 0; i < length; i++) {
            value = (value << 8) | uint8(data[from + i]);
        }
    }
}
