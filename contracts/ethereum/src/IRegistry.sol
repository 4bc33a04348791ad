// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the anchor registry says: errors, events, records.
/// @notice Error codes, revision kinds and statuses are the same on every chain; see
/// ../../README.md.
interface IRegistry {
    // ------------------------------------------------------------------ create
    error E01_Exists();
    error E03_BadTerms();

    // ------------------------------------------------------------------ propose
    error E10_NotActive();
    error E11_Frozen();
    error E12_NotAdmin();
    error E13_TooManyOpenByProposer();
    error E14_TooManyOpen();
    error E15_BadExpiry();
    error E16_BadActions();
    error E17_Reserved(uint8 kind);

    // ------------------------------------------------------------------ approve, unapprove, close
    error E20_NotOpen();
    error E21_Expired();
    error E22_OtherActions();
    error E23_ApproverNotAdmin();
    error E24_SeatedLater();
    error E25_AlreadyApproved();
    error E26_BadSignature();
    error E27_NotApproved();
    error E30_NotProposer();
    error E31_NotGuardian();

    // ------------------------------------------------------------------ execute
    error E40_OtherActions();
    error E41_NotQueued();
    error E42_TooEarly();
    error E43_Expired();
    error E44_Frozen();
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
    error E56_BadDelay();
    error E57_StaleRoot(bytes32 current);
    error E58_NomineeIsAdmin();
    error E59_BadTtl();

    // ------------------------------------------------------------------ bind, claim, freeze
    error E60_BadBinding();
    error E70_NoClaims();
    error E71_NotInvited();
    error E72_InviteExpired();
    error E73_BadInviteSignature();
    error E74_InviteUsed();
    error E80_FreezeRefused();

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
    /// @notice The guardian `by` refused proposal `seq`.
    event Vetoed(bytes32 indexed ctx, uint64 indexed seq, address indexed by);
    /// @notice Proposal `seq` ran out and its record was freed.
    event Expired(bytes32 indexed ctx, uint64 indexed seq);
    /// @notice `by` says that the member `key` is its own; the key signed so.
    event Bound(
        bytes32 indexed ctx,
        address indexed by,
        uint8 scheme,
        bytes key,
        bytes signature,
        uint64 expiry
    );
    /// @notice `by` says that the member `key` is its own no longer.
    event Unbound(bytes32 indexed ctx, address indexed by, bytes key);
    /// @notice `by` came with the member `key` by use `use` of the invitation `leaf`.
    event Claimed(bytes32 indexed ctx, address indexed by, bytes key, bytes32 leaf, uint32 use);

    /// @notice How a context begins. `flags` has bit 0 if invitations may be claimed on chain;
    /// `delays` are seconds per class (routine, app, admin, root).
    struct Terms {
        bytes32 appHash;
        bytes32 membersRoot;
        uint32 membersCount;
        uint8 flags;
        uint32[4] delays;
        address guardian;
        bytes32 contextKeyHash;
    }

    /// @notice An approval that somebody else hands in.
    struct SignedApproval {
        address signer;
        bytes signature;
    }

    /// @notice An invitation: the address of the key that its link carries, its last second, what
    /// its holder becomes, and how many may come with it.
    struct Invite {
        address key;
        uint64 expiry;
        uint8 role;
        uint32 uses;
    }

    /// @notice What stands beside the head. `delays` are those that count at present; `frozenUntil`
    /// and `lastFreeze` are Unix seconds, 0 if it never was frozen.
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
        uint64 frozenUntil;
        uint64 lastFreeze;
    }

    /// @notice A proposal that is still open; all zero once it is closed or if it never was.
    /// @dev Of `withdrawn` seats only their own call brings the approval again. `status` is 1 while
    /// approvals are missing, 2 once it is queued.
    struct Proposal {
        bytes32 actionsHash;
        uint64 approvals;
        uint64 withdrawn;
        uint64 createdRev;
        uint40 eta;
        uint40 expiry;
        uint8 threshold;
        uint8 class;
        uint8 status;
        bool setsGuardian;
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

    /// @notice Approves for each signer of `Approve(context, seq, actionsHash, deadline)` (EIP-712,
    /// in the domain `Anchorhold`, version `1`, chain, registry). Anyone may.
    /// @dev Signers strictly ascending, 1 to 32 of them. Contract accounts are asked by ERC-1271.
    function approveBySigs(
        bytes32 ctx,
        uint64 seq,
        bytes32 actionsHash,
        uint256 deadline,
        SignedApproval[] calldata approvals
    ) external;

    /// @notice Approves and, if that was the last approval needed and there is no delay, executes.
    function approveAndExecute(bytes32 ctx, uint64 seq, bytes calldata actions) external;

    /// @notice Takes the caller's approval back; a signature does not bring it again.
    function unapprove(bytes32 ctx, uint64 seq) external;

    /// @notice Withdraws a proposal: its proposer, or any admin once the proposer holds no seat.
    function cancel(bytes32 ctx, uint64 seq) external;

    /// @notice Refuses a proposal, as the guardian; not one that sets the guardian and that all
    /// admins approve.
    function veto(bytes32 ctx, uint64 seq) external;

    /// @notice Carries out a queued proposal whose delay is over. Anyone may.
    function execute(bytes32 ctx, uint64 seq, bytes calldata actions) external;

    /// @notice Frees the record of a proposal that ran out. Anyone may.
    function expire(bytes32 ctx, uint64 seq) external;

    /// @notice Takes the seat that the caller was nominated for.
    function acceptAdmin(bytes32 ctx) external;

    /// @notice Gives the caller's seat up.
    function renounce(bytes32 ctx) external;

    /// @notice Tells that the caller and the member `key` belong together.
    /// @param scheme 1 Ed25519, which nodes check; 2 secp256k1; 3 P-256.
    /// @param key 1 to 96 bytes; `x ‖ y` for schemes 2 and 3.
    /// @param signature The key's, over `keccak256("cam1-bind" ‖ domain(ctx) ‖ 20 ‖ caller ‖ scheme
    /// ‖ len ‖ key ‖ expiry u64)`: `r ‖ s ‖ v` for scheme 2, `r ‖ s` for scheme 3.
    /// @param expiry The last second in which this may be told.
    function bind(
        bytes32 ctx,
        uint8 scheme,
        bytes calldata key,
        bytes calldata signature,
        uint64 expiry
    ) external;

    /// @notice Tells that the caller and the member `key` belong together no longer.
    function unbind(bytes32 ctx, bytes calldata key) external;

    /// @notice Uses use `use` (from 0) of an invitation up for the caller and its member `key`.
    /// @param proof That the invitation's leaf is under the invite root; at most 32 steps.
    /// @param signature The invite key's `r ‖ s ‖ v`, over `keccak256("cam1-claim" ‖ domain(ctx) ‖
    /// 20 ‖ caller ‖ len ‖ key)`.
    function claimInvite(
        bytes32 ctx,
        bytes calldata key,
        Invite calldata invite,
        uint32 use,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external;

    /// @notice Stops grave proposals and all executions for 1 second up to 7 days, as the guardian,
    /// once in 30 days.
    function freeze(bytes32 ctx, uint32 secs) external;

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

    /// @notice `keccak256(RD ‖ ctx)`: where the log of `ctx` begins, and what member and invite
    /// keys sign about.
    function domain(bytes32 ctx) external view returns (bytes32);
}
