// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the anchor registry says: errors, events, records.
/// @notice Error codes, revision kinds and statuses are the same on every chain; see ../../README.md.
interface IRegistry {
    // ------------------------------------------------------------------ create
    error E01_Exists();
    error E03_BadTerms();

    // ------------------------------------------------------------------ propose
    error E10_NotActive();
    error E12_NotAdmin();
    error E13_TooManyOpenByProposer();
    error E14_TooManyOpen();
    error E15_BadExpiry();
    error E16_BadActions();
    error E17_Reserved(uint8 kind);

    // ------------------------------------------------------------------ approve, unapprove, cancel
    error E20_NotOpen();
    error E21_Expired();
    error E22_OtherActions();
    error E23_ApproverNotAdmin();
    error E24_SeatedLater();
    error E25_AlreadyApproved();
    error E27_NotApproved();
    error E30_NotProposer();

    // ------------------------------------------------------------------ execute
    error E40_OtherActions();
    error E41_NotQueued();
    error E42_TooEarly();
    error E43_Expired();
    error E46_TooFewApprovals();

    // ------------------------------------------------------------------ expire
    error E48_NotExpired();

    // ------------------------------------------------------------------ seats
    error E50_NotNominated();
    error E51_AlreadyAdmin();
    error E52_NoFreeSeat();
    error E53_LastAdmin();

    // ------------------------------------------------------------------ actions
    error E54_RemovalRefused();
    error E55_BadThreshold();
    error E57_StaleRoot(bytes32 current);
    error E58_NomineeIsAdmin();
    error E59_BadTtl();

    /// @notice Revision `rev` of context `ctx` happened. The payload is the canonical one, so that
    /// `logHead = keccak256(previous ‖ rev ‖ kind ‖ keccak256(payload))` can be recomputed.
    event Rev(bytes32 indexed ctx, uint64 indexed rev, uint8 kind, bytes payload, bytes32 logHead);
    /// @notice `by` proposed `actions`, and thereby approved them.
    event Proposed(
        bytes32 indexed ctx, uint64 indexed seq, address indexed by, bytes actions, uint64 expiry
    );
    /// @notice `by` approved proposal `seq`.
    event Approved(bytes32 indexed ctx, uint64 indexed seq, address indexed by);
    /// @notice `by` took the approval of proposal `seq` back.
    event Unapproved(bytes32 indexed ctx, uint64 indexed seq, address indexed by);
    /// @notice Proposal `seq` has the approvals it needs, and may be executed from `eta` on.
    event Queued(bytes32 indexed ctx, uint64 indexed seq, uint64 eta);
    /// @notice All actions of proposal `seq` took effect; their `Rev` events precede this one.
    event Executed(bytes32 indexed ctx, uint64 indexed seq, address indexed by);
    /// @notice Proposal `seq` was withdrawn.
    event Canceled(bytes32 indexed ctx, uint64 indexed seq, address indexed by);
    /// @notice Proposal `seq` ran out and its record was freed.
    event Expired(bytes32 indexed ctx, uint64 indexed seq);

    /// @notice How a context begins. `delays` are seconds per class (routine, app, admin, root).
    struct Terms {
        bytes32 appHash;
        bytes32 membersRoot;
        uint32 membersCount;
        uint8 threshold;
        uint32[4] delays;
        address guardian;
        bytes32 contextKeyHash;
    }

    /// @notice What stands beside the head.
    struct Record {
        bytes32 contextKeyHash;
        bytes32 appHash;
        bytes32 membersRoot;
        bytes32 metaHash;
        bytes32 inviteRoot;
        uint32 membersCount;
        uint32[4] delays;
        uint8 openProposals;
        address guardian;
    }

    /// @notice A proposal that is still open; all zero once it is closed or if it never was.
    struct Proposal {
        bytes32 actionsHash;
        uint64 approvals;
        uint64 createdRev;
        uint40 eta;
        uint40 expiry;
        uint8 threshold;
        uint8 class;
        uint8 status;
        address proposer;
    }

    /// @notice Makes the context `contextId(msg.sender, salt)` with the caller as its only admin.
    function create(bytes32 salt, Terms calldata terms) external returns (bytes32 ctx);

    /// @notice Proposes a batch of actions; the proposer approves by proposing.
    function propose(bytes32 ctx, bytes calldata actions, uint64 expiry)
        external
        returns (uint64 seq);

    /// @notice Proposes and, if one approval is enough and the class has no delay, executes.
    function act(bytes32 ctx, bytes calldata actions, uint64 expiry) external returns (uint64 seq);

    /// @notice Approves proposal `seq`, whose actions must hash to `actionsHash`.
    function approve(bytes32 ctx, uint64 seq, bytes32 actionsHash) external;

    /// @notice Approves and, if that was the last approval needed and there is no delay, executes.
    function approveAndExecute(bytes32 ctx, uint64 seq, bytes calldata actions) external;

    /// @notice Takes the caller's approval back.
    function unapprove(bytes32 ctx, uint64 seq) external;

    /// @notice Withdraws a proposal: its proposer, or any admin once the proposer holds no seat.
    function cancel(bytes32 ctx, uint64 seq) external;

    /// @notice Carries out a queued proposal whose delay is over. Anyone may.
    function execute(bytes32 ctx, uint64 seq, bytes calldata actions) external;

    /// @notice Frees the record of a proposal that ran out. Anyone may.
    function expire(bytes32 ctx, uint64 seq) external;

    /// @notice Takes the seat that the caller was nominated for.
    function acceptAdmin(bytes32 ctx) external;

    /// @notice Gives the caller's seat up.
    function renounce(bytes32 ctx) external;

    /// @notice The two words that a storage proof needs: packed head, log head. Zero if unknown.
    function head(bytes32 ctx) external view returns (uint256 word, bytes32 logHead);

    /// @notice The values beside the head.
    function record(bytes32 ctx) external view returns (Record memory);

    /// @notice Whether `account` holds a seat, which one and since which revision; until when a
    /// nomination of it may be accepted (Unix seconds, 0 = none); how many proposals it has open.
    function admin(bytes32 ctx, address account)
        external
        view
        returns (bool seated, uint8 seat, uint64 since, uint64 nominatedUntil, uint8 open);

    /// @notice An open proposal.
    function proposal(bytes32 ctx, uint64 seq) external view returns (Proposal memory);

    /// @notice Whether `leaf` is under the members root.
    /// @dev The caller must have computed `leaf` from a member's fields: an inner node given as a
    /// leaf would pass. At most 32 steps of proof.
    function isMember(bytes32 ctx, bytes32 leaf, bytes32[] calldata proof)
        external
        view
        returns (bool);

    /// @notice `RD = keccak256("cam-1" ‖ len ‖ caip2 ‖ len ‖ registry)`.
    function registryDomain() external view returns (bytes32);

    /// @notice The id of the context that `creator` makes with `salt`.
    function contextId(address creator, bytes32 salt) external view returns (bytes32);
}
