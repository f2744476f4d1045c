/*
 * The checkpoint protocol: a source, STAGES stages and a sink that share DIR, and a destination,
 * with processes killed, power cut and old runs still going while new ones start. What must hold
 * is asserted where it could break; the comments there name the invariant:
 *
 *   I1, I2  what a commit names all have durably; the commit never goes back     commit_set
 *   I3      nothing final on an unannounced end                                  by I2, I4
 *   I4      a record's effect is there once: never twice, and at the end not lost once_only,
 *   I5      so are dead letters (of stage and sink) and the ledger's lines   see_that_all_is_there
 *   I6      of two undisturbed starts one succeeds (with READY: the first), and none is refused
 *           that nobody caused: end, refuse; no deadlock: spin's invalid end states
 *
 * "Undisturbed": since it began nothing was killed, and when it began nothing older was going, nor
 * was a commit on its way. Once all of a run have exited with 0, all of it must be durable.
 *
 * One of SQL, FILE and SPOOL names the destination:
 *   SQL    transactions that land when they like, unless an owner or an epoch forbids it
 *   FILE   no condition, but a lock that outlives the sink until its commit has landed or is lost;
 *          what is committed is durable only after a step more
 *   SPOOL  the sink's records are the commit; a receiver that honours keys; a journal of what was
 *          acknowledged. (One that doesn't honour them gets what it is sent: the same bytes.)
 * READY: the source waits until the sink has fenced and recovered. RESTORED: DIR comes back from a
 * backup. REMOVED: DIR is removed when all is done, and all is to be sent anew.
 *
 * Bounds: RUNS starts, FAULTS kills and power cuts together, RECORDS records, an epoch being one or
 * all that are left or none, EPOCHS epochs (asserted to be enough), PIPE lines in a pipe. What a
 * stage does with records is left open (pass on, hold until the end, make letters), and it may do
 * otherwise when it is done again.
 *
 * A role is one Promela process that goes through its runs one after another: that is what its lock
 * does. Two runs overlap as one role is ahead of another; each run has its own pipes. Of all that
 * can be lost there are two values; a power cut keeps or loses each on its own, removals included.
 * Steps that can't be told apart, even by a crash between them, are one: a file written, synced and
 * renamed (then synced with its directory: another step); things synced one after another.
 *
 * Not modelled: last:"pause" (a death that nobody notices), --init, --forget, --take-over,
 * --rewind, --late and --duplicates files, a source's own log, damage, bulk files of a record (they
 * are durable before it), the receiver's refusals, deletion of acknowledged segments.
 *
 * Rules left out, one a macro:
 *   NO_FENCE NO_CONDITION    no owner, and the epoch alone is compared; nothing is compared
 *   OWN_AFTER                the sink's record after the destination's commit
 *   COMMIT_FIRST             DIR/commit before the destination's commit
 *   NO_OWN_NEEDED            DIR/commit set to what is held though the sink has no record of it
 *   NAMED_BY_EPOCH           records of all runs have the same name
 *   NO_ADOPT                 what is found at the start is relied on as it is
 *   ADOPT_TOO_EARLY          it is synced, and then read
 *   NO_FSYNC BARRIER_FIRST   records never synced; synced after the barrier was passed on
 *   KEEP_1 SWEEP_AT_START    what is deleted: the record before the commit's; what is newer
 *   CUTS_OTHERS              a stage cuts its log to what it restores, though another run wrote it
 *   FLUSH_OUTSIDE            what `end` flushes comes after the barrier
 *   FLUSH_ON_EOF COMMIT_ON_EOF  a stage, a sink takes any end for an announced one
 *   LEDGER_LATE LEDGER_UNSYNCED  records go before their line is in the ledger; it is not synced
 *   PUBLISHED_FIRST          letters before the commit
 *   NO_INCARNATION           keys are the same in a new DIR
 *   JOURNAL_FIRST SENT_BEFORE_COMMIT  acknowledged before it was; sent before it is committed
 *   SURE_OF_RECORDS          a record that open names and isn't there is taken for damage, without
 *                            a look of the stage's own at DIR/commit
 *   NOT_MEANWHILE            the sink doesn't look again at DIR/commit once it has fenced
 *   CLAIM_BEFORE_FENCE CLAIM_UNCHECKED CLAIM_NOT_SYNCED  DIR/claim is written before the fence;
 *                            whatever the destination holds; and not synced
 *   CLAIM_SPARES_NOBODY CLAIM_FORGETS_OF  what the claimer made beyond the commit is deleted at a
 *                            start; what the commit's run made, where the claim is of an older commit
 *   JOINS_UNSEEN JOINED_LATE the sink doesn't look whether the locks still name its run once it has
 *                            claimed; they name a run only after what it found was swept
 *   ACKED_SWEPT              the journal is deleted at a start
 *
 * CLAIM_IGNORES_COMMIT holds: whatever epoch the claim names, who claimed last is to be spared. (A
 * claim that doesn't name the commit is of the run that made it.)
 *
 * Of owner and epoch in a destination's condition each is enough for I4; without the owner a run
 * that was let go may be lost to an older one's commit (I6).
 */
#ifndef RUNS
#define RUNS 4 /* starts */
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef RECORDS
#define RECORDS 2
#endif
#ifndef EPOCHS
#define EPOCHS 4
#endif
#ifndef STAGES
#define STAGES 1
#endif
#ifndef PIPE
#define PIPE 1 /* lines that a pipe holds */
#endif

#if defined(SQL) + defined(FILE) + defined(SPOOL) != 1
#error one of -DSQL, -DFILE and -DSPOOL names the destination
#endif

#define SOURCE 0
#define SINK (STAGES + 1)
#define ROLES (STAGES + 2)
#define ALL ((1 << RECORDS) - 1)

/* An epoch as a run made it: (n, run); 0 is none. */
#define EPOCH(n, r) ((n)*8 + (r))
#define N(e) ((e) >> 3)
#define RUN(e) ((e)&7)
#define INDEX(e) ((N(e) - 1) * RUNS + RUN(e) - 1)
#define PLACES (EPOCHS * RUNS)

/* The name of a record (n, run). */
#ifdef NAMED_BY_EPOCH
#define NAME(e) ((N(e) - 1) * RUNS)
#else
#define NAME(e) INDEX(e)
#endif
#define BIT(e) (1 << NAME(e))

/* Records of which the sink makes letters, and not a stage. */
#define FOR_SINK 1

/* Lines in a pipe. */
#define OPEN 0
#define DATA 64
#define BARRIER 128
#define LAST 192
#define KIND(line) ((line)&192)
#define VALUE(line) ((line)&63)

#define pipe_of(reader, r) pipe[((reader)-1) * RUNS + (r)-1]
chan pipe[(ROLES - 1) * RUNS] = [PIPE] of { byte };

/*
 * DIR. Of what a power cut may undo there are two values: _v is what processes see, _d what is
 * sure to be there after a power cut.
 */
byte incarnation_v, incarnation_d, incarnations;
byte commit_v, commit_d;
short claim_v, claim_d;             /* CLAIM(e, run): run has found the destination at e */
byte joined[ROLES];                 /* the run that a lock names */
int have_v[ROLES], have_d[ROLES];   /* records, by NAME */
byte content[ROLES * PLACES];       /* source: position; stage: held; sink: previous */
byte letters[ROLES * PLACES];       /* of an epoch, a file each */
int published_v[ROLES], published_d[ROLES];
byte ledger[EPOCHS + 1];            /* the run of each line */
byte ledger_v, ledger_d;            /* lines */

/* The destination. */
byte delivered_v, delivered_d;      /* records */
#ifdef SPOOL
byte segment[PLACES];               /* records in it */
int relied[PLACES];                 /* segments that a record of the sink names */
int acknowledged_v, acknowledged_d; /* the journal, in DIR as well */
#ifdef ACKED_SWEPT
int swept;                          /* what was in it */
#endif
#define KEYS (3 * EPOCHS)
int known;                          /* keys that the receiver has seen */
byte got[KEYS];                     /* and what came with them */
#else
byte held_v, held_d;
byte holder_v, holder_d; /* the incarnation */
byte owner;
byte flight, flight_data; /* a commit on its way */
bool landed;
#endif

/* Processes. */
byte at[ROLES];    /* the run that it is in, or will be */
byte up;           /* which are alive */
byte fine;         /* which exited with 0, of one run */
byte ready;        /* runs whose sink has fenced and recovered */
bool complete;     /* all exited with 0 */
bool refused;      /* exit 78: a human is needed */
byte faults;
byte broken;       /* runs in which something ended otherwise */
byte disturbed;    /* runs */
byte failed;       /* undisturbed runs, one after another */
byte lineage[EPOCHS + 1]; /* runs whose epoch became the commit */

hidden byte i, j, k, sum;
hidden int bits;


#define CLAIM(e, r) ((e)*8 + (r))

/* In a process: its run, its epoch, its pipes. */
#define alive(role) (up & (1 << (role)))
#define mine at[me]
#define here EPOCH(n, mine)
#define in pipe_of(me, mine)
#define out pipe_of(me + 1, mine)

/* The epoch before e, which a run made that began from c. */
#define previous_of(e) (N(e) - 1 > N(c) -> EPOCH(N(e) - 1, RUN(e)) : c)

/* --- what a process does in one step ----------------------------------------------------- */

inline sync_dir()
{
	incarnation_d = incarnation_v;
	commit_d = commit_v;
	claim_d = claim_v
}

inline forget(role)
{
	i = 0;
	do
	:: i < PLACES ->
		if
		:: !((have_v[role] | have_d[role]) & (1 << i)) ->
			content[role * PLACES + i] = 0
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* A stage's own directory. */
inline sync_own(role)
{
	have_d[role] = have_v[role];
	published_d[role] = published_v[role];
	forget(role)
}

/* The record (n, run) of this process. */
inline record_write(value)
{
	have_v[me] = have_v[me] | BIT(here);
	content[me * PLACES + NAME(here)] = value
}

inline published(where)
{
	where = 0;
	j = 0;
	do
	:: j < ROLES * PLACES ->
		if
		:: published_v[j / PLACES] & (1 << (j % PLACES)) ->
			assert(!(where & letters[j])); /* I5: a letter twice */
			where = where | letters[j]
		:: else
		fi;
		j++
	:: else -> break
	od;
	j = 0
}

/* I4, I5: nothing is twice, be it delivered or a letter. */
inline once_only()
{
	published(sum);
	assert(!(sum & delivered_v)); /* I4, I5: a record is twice */
	sum = 0
}

/* Letters of the epochs that e covers get their names. */
inline publish(role, e)
{
	i = 0;
	do
	:: i < N(e) ->
		i++;
		if
		:: letters[role * PLACES + INDEX(EPOCH(i, RUN(e)))] ->
			published_v[role] = published_v[role] | (1 << INDEX(EPOCH(i, RUN(e))))
		:: else
		fi
	:: else -> break
	od;
	i = 0;
	once_only()
}



inline keep_only(role)
{
	have_v[role] = have_v[role] & bits;
	i = 0;
	do
	:: i < PLACES ->
		if
		:: !((bits | published_v[role] | published_d[role]) & (1 << i)) ->
			letters[role * PLACES + i] = 0
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* Deletes what neither a start nor a recovery can want. */
inline sweep(role)
{
	if
	:: RUN(commit_v) == mine ->
		bits = BIT(commit_v);
#ifndef KEEP_1
		if
		:: previous_of(commit_v) -> bits = bits | BIT(previous_of(commit_v))
		:: else
		fi;
#endif
		i = N(commit_v);
		do
		:: i < EPOCHS ->
			i++;
			bits = bits | BIT(EPOCH(i, mine))
		:: else -> break
		od;
		keep_only(role);
		bits = 0
	:: else
	fi
}

/* Deletes what is newer than the commit: wrong. */
inline sweep_newer(role)
{
	bits = 0;
	i = 0;
	do
	:: i < N(c) * RUNS ->
		bits = bits | (1 << i);
		i++
	:: else -> break
	od;
	keep_only(role);
	bits = 0
}

/*
 * At its start a process deletes what runs before it have made beside the commit e that it found,
 * but for the one that may have got it to the destination: who claimed it last. (The product keeps
 * some more of e's lineage.)
 */
inline see_claimer(e)
{
#if defined(CLAIM_IGNORES_COMMIT)
	spared = (claim_v -> claim_v & 7 : RUN(e))
#elif defined(CLAIM_FORGETS_OF)
	spared = ((claim_v >> 3) == (e) && claim_v -> claim_v & 7 : 0)
#else
	spared = ((claim_v >> 3) == (e) && claim_v -> claim_v & 7 : RUN(e))
#endif
}

inline sweep_at_start(role, e)
{
#ifdef CLAIM_SPARES_NOBODY
	spared = 0;
#endif
	bits = (e -> BIT(e) : 0);
	i = N(e);
	do
	:: i < EPOCHS ->
		i++;
		bits = bits | BIT(EPOCH(i, mine));
		if
		:: spared -> bits = bits | BIT(EPOCH(i, spared))
		:: else
		fi
	:: else -> break
	od;
	keep_only(role);
#ifdef JOINED_LATE
	joined[role] = mine;
#endif
	bits = 0;
	spared = 0
}

/* A run begins only after another has failed, though some of that may still be going. */
#define may_begin(role) \
	(!complete && !refused && at[role] <= RUNS && \
		(at[role] == 1 || broken & (1 << (at[role] - 1))))

inline begin(role)
{
	d_step {
		up = up | (1 << role);
		fine = fine & ~(1 << role);
		k = 0;
		do
		:: k < ROLES ->
			if
			:: at[k] < at[role] -> disturbed = disturbed | (1 << at[role])
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0;
#ifndef SPOOL
		if
		:: flight -> disturbed = disturbed | (1 << at[role])
		:: else
		fi
#endif
	}
}

/* All exited with 0: all there is is there once, and stays. */
inline see_that_all_is_there()
{
	published(sum);
	assert((sum | delivered_v) == ALL);        /* I4, I5: a record or letter is lost */
	assert(!(sum & delivered_v));              /* I4, I5: a record is twice */
	assert(delivered_d == delivered_v);        /* I4: done, and not durable */
	assert(commit_d == commit_v);              /* I2: done, and not durable */
	assert(ledger_d == ledger_v);              /* I5: done, and the ledger is not durable */
	assert(ledger_v == N(commit_v));           /* I5: done, and a line is missing */
	sum = 0;
	i = 0;
	do
	:: i < ledger_v ->
		i++;
		assert(ledger[i] == lineage[i]) /* I5: the ledger has a line of another run */
	:: else -> break
	od;
	i = 0;
	do
	:: i < ROLES ->
		assert(published_d[i] == published_v[i]); /* I5: done, and not durable */
		i++
	:: else -> break
	od;
	i = 0;
	complete = true
}

#ifdef SPOOL
#define in_flight false
#define is_held(n, r) (N(commit_v) >= (n))
#else
#define in_flight flight
#define is_held(n, r) (N(commit_v) >= (n) || N(held_v) >= (n))
#endif

/*
 * What a run that is over has left and nothing names or ever will: left out of the state, that
 * there are fewer. Nobody may read it, so this changes nothing; where somebody may, it isn't done.
 */
inline forget_orphans(r)
{
#ifndef NAMED_BY_EPOCH
	i = 0;
	do
	:: i < EPOCHS && (in_flight || is_held(i + 1, r)) -> i++
	:: i < EPOCHS && !in_flight && !is_held(i + 1, r) ->
		i++;
		k = INDEX(EPOCH(i, r));
#ifdef SPOOL
		segment[k] = 0;
		relied[k] = 0;
#endif
		j = 0;
		do
		:: j < ROLES ->
			have_v[j] = have_v[j] & ~(1 << k);
			have_d[j] = have_d[j] & ~(1 << k);
			content[j * PLACES + k] = 0;
			if
			:: !((published_v[j] | published_d[j]) & (1 << k)) ->
				letters[j * PLACES + k] = 0
			:: else
			fi;
			j++
		:: else -> break
		od
	:: else -> break
	od;
	i = 0;
	j = 0;
	k = 0
#else
	skip
#endif
}

/* I6: of two undisturbed starts one succeeds; with a handshake, the first. */
#ifdef READY
#define FAILURES 0
#else
#define FAILURES 1
#endif

inline end(role)
{
	d_step {
		if
		:: role > SOURCE ->
			do
			:: len(pipe_of(role, at[role])) > 0 -> pipe_of(role, at[role])?_
			:: else -> break
			od
		:: else
		fi;
		up = up & ~(1 << role);
		if
		:: !(fine & (1 << role)) -> broken = broken | (1 << at[role])
		:: else
		fi;
		at[role]++;
		k = 0;
		j = 0;
		do
		:: k < ROLES ->
			if
			:: at[k] < at[role] -> j++
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0;
		if
		:: j == 0 ->
			if
			:: fine == (1 << ROLES) - 1 -> see_that_all_is_there()
			:: else ->
				if
				:: disturbed & (1 << (at[role] - 1)) -> failed = 0
				:: else -> failed++
				fi;
				assert(refused || failed <= FAILURES) /* I6: stuck */
			fi;
			fine = 0;
			forget_orphans(at[role] - 1);
			disturbed = disturbed & ~(1 << (at[role] - 1));
			ready = ready & ~(1 << (at[role] - 1))
		:: else
		fi;
		j = 0
	}
}

#define is_gone(role, r) (at[role] > r)

inline give(line)
{
	if
	:: atomic { !is_gone(me + 1, mine) && len(out) < PIPE -> out!line }
	:: is_gone(me + 1, mine) -> goto over
	fi
}

inline take(line)
{
	if
	:: in?line
	:: is_gone(me - 1, mine) && len(in) == 0 -> line = 0; goto end_of_file
	fi
}

/* The first that comes makes it. */
inline incarnation_see()
{
	if
	:: incarnation_v == 0 ->
		incarnations++;
		incarnation_v = incarnations
	:: else
	fi
}

/* What is relied on is synced after it was read. */
inline adopt()
{
#ifndef NO_ADOPT
	sync_dir()
#else
	skip
#endif
}

/* The commit as `seen`; what is done with it can't be undone. */
inline look_at_commit(seen)
{
#ifdef ADOPT_TOO_EARLY
	d_step { sync_dir() };
	seen = commit_v
#else
	d_step {
		seen = commit_v;
		adopt()
	}
#endif
}

inline letters_write()
{
	letters[me * PLACES + INDEX(here)] = lost;
	lost = 0
}

inline publish_seen(seen)
{
	if
	:: RUN(seen) == mine && N(seen) > 0 ->
		d_step { publish(me, seen) };
		if
		:: published_d[me] != published_v[me] ->
			d_step { published_d[me] = published_v[me] }
		:: else
		fi
	:: else
	fi
}

inline see_commit(seen)
{
	d_step {
		incarnation_see();
#ifdef ADOPT_TOO_EARLY
		sync_dir()
#else
		seen = commit_v
#endif
	}
}

/* --- the source -------------------------------------------------------------------------- */

proctype source(byte me)
{
	byte c, n, position, last = BARRIER, spared;
	bool is_first;

end_idle:
	atomic {
#ifdef READY
		may_begin(me) && (ready & (1 << mine) || is_gone(SINK, mine));
#else
		may_begin(me);
#endif
		begin(me)
#ifndef READY
		;
		see_commit(c)
#endif
	};
	{
#ifdef READY
		if
		:: ready & (1 << mine) -> see_commit(c)
		:: !(ready & (1 << mine)) -> goto over
		fi;
#endif
#ifdef ADOPT_TOO_EARLY
		c = commit_v;
#else
		d_step { adopt() };
#endif
		d_step {
			n = N(c);
			is_first = true;
			if
			:: c ->
				assert(have_v[me] & BIT(c)); /* I2: the commit names what is not there */
				position = content[me * PLACES + NAME(c)]
			:: else
			fi;
#ifndef JOINED_LATE
			joined[me] = mine;
#endif
			see_claimer(c)
		};
		d_step { sweep_at_start(me, c) };
		give(OPEN + c);
		do
		:: last == LAST -> break
		:: else ->
			/* one record or all, so that an epoch isn't the same in each run */
			if
			:: position == RECORDS -> last = LAST
			:: position < RECORDS ->
				if
				:: position + 1 < RECORDS ->
					give(DATA + (1 << position));
					position++
				:: give(DATA + (ALL & ~((1 << position) - 1)));
					position = RECORDS;
					last = LAST
				fi
			fi;
			assert(n < EPOCHS); /* the model: EPOCHS are too few */
			n++;
#ifdef BARRIER_FIRST
			give(last + n);
#endif
			d_step { record_write(position) };
#ifndef NO_FSYNC
			d_step { sync_own(me) };
#endif
			d_step { sweep(me) };
#ifndef BARRIER_FIRST
			give(last + n)
#endif
		od;
		if
		:: commit_v == here -> d_step { adopt(); fine = fine | (1 << me) }
		:: commit_v != here && is_gone(SINK, mine)
		fi;
over:
		up = up & ~(1 << me);
		false
	} unless { atomic {
		!alive(me);
		c = 0;
		n = 0;
		position = 0;
		last = BARRIER;
		is_first = false;
		spared = 0;
		end(me)
	} };
	goto end_idle
}

/* --- a stage ----------------------------------------------------------------------------- */

proctype stage(byte me)
{
	byte c, n, line, holds, lost, seen, spared;

end_idle:
	atomic {
		may_begin(me) && (len(in) > 0 || is_gone(me - 1, mine));
		begin(me)
	};
	{
		take(line);
		d_step {
			c = VALUE(line);
			line = 0;
#ifndef JOINED_LATE
			joined[me] = mine;
#endif
			incarnation_see();
#ifdef SURE_OF_RECORDS
			seen = c;
#else
			seen = commit_v;
#endif
			adopt();
#ifndef NO_ADOPT
			sync_own(me)
#endif
		};
		if
		:: seen -> d_step { publish(me, seen) };
			if
			:: published_d[me] != published_v[me] ->
				d_step { published_d[me] = published_v[me] }
			:: else
			fi
		:: else
		fi;
		n = N(c);
		if
		:: seen && !(have_v[me] & BIT(seen)) ->
			/* an older run may have committed and swept meanwhile: that is no damage */
#ifdef SURE_OF_RECORDS
			assert(false); /* I6: refused where nobody did anything */
#else
			assert(commit_v != seen); /* I2, I6: what the commit names is not there */
#endif
			goto over
		:: seen && (have_v[me] & BIT(seen)) -> holds = content[me * PLACES + NAME(seen)]
		:: !seen
		fi;
		see_claimer(seen);
		d_step { sweep_at_start(me, seen) };
		if
		:: seen != c -> goto over
		:: else -> seen = 0
		fi;
#if defined(SWEEP_AT_START) || defined(CUTS_OTHERS)
		d_step { sweep_newer(me) };
#endif
		give(OPEN + c);
		do
		:: take(line);
			if
			:: KIND(line) == DATA ->
				if
				:: give(line)
				:: holds = holds | VALUE(line)
				:: !(VALUE(line) & FOR_SINK) -> lost = lost | VALUE(line)
				fi;
				line = 0
			:: KIND(line) == BARRIER || KIND(line) == LAST ->
flush:
				assert(VALUE(line) == n + 1); /* I1: barriers are consecutive */
				n++;
#ifndef FLUSH_OUTSIDE
				if
				:: KIND(line) == LAST && holds ->
					give(DATA + holds);
					holds = 0
				:: else
				fi;
#endif
				look_at_commit(seen);
				publish_seen(seen);
				seen = 0;
#ifdef BARRIER_FIRST
				give(line);
#endif
				d_step {
					record_write(holds);
					letters_write()
				};
#ifndef NO_FSYNC
				d_step { sync_own(me) };
#endif
				d_step { sweep(me) };
#ifndef BARRIER_FIRST
				give(line);
#endif
#ifdef FLUSH_OUTSIDE
				if
				:: KIND(line) == LAST && holds ->
					give(DATA + holds);
					holds = 0
				:: else
				fi;
#endif
				if
				:: KIND(line) == LAST -> break
				:: else -> line = 0
				fi
			fi
		od;
#ifdef ADOPT_TOO_EARLY
		atomic { sync_dir() };
#endif
		if
		:: commit_v == here ->
#ifdef ADOPT_TOO_EARLY
			seen = commit_v;
#else
			look_at_commit(seen);
#endif
			publish_seen(seen);
			d_step { sweep(me) };
			fine = fine | (1 << me)
		:: commit_v != here && is_gone(SINK, mine)
		fi;
		goto over;
end_of_file:
#ifdef FLUSH_ON_EOF
		if
		:: n < EPOCHS -> line = LAST + n + 1; goto flush
		:: else
		fi;
#endif
over:
		up = up & ~(1 << me);
		false
	} unless { atomic {
		!alive(me);
		c = 0;
		n = 0;
		line = 0;
		holds = 0;
		lost = 0;
		seen = 0;
		spared = 0;
		end(me)
	} };
	goto end_idle
}

/* --- the sink ---------------------------------------------------------------------------- */

/* I2: the commit names what all have, and never goes back. */
inline commit_set(e)
{
	d_step {
		assert(N(e) >= N(commit_v)); /* I2: the commit goes back */
		i = 0;
		do
		:: i < ROLES ->
			assert(have_v[i] & have_d[i] & BIT(e)); /* I2: a commit without a record */
			i++
		:: else -> break
		od;
		i = 0;
		commit_v = e;
		lineage[N(e)] = RUN(e)
	};
	d_step { sync_dir() }
}

/* The lines that are missing, from the sink's own records. */
inline ledger_bring_up()
{
	d_step {
		i = N(commit_v);
		k = commit_v;
		do
		:: i > ledger_v ->
			assert(have_v[SINK] & BIT(k)); /* I5: a ledger line is lost */
			ledger[i] = RUN(k);
			k = content[SINK * PLACES + NAME(k)];
			i--
		:: else -> break
		od;
		assert(ledger_v == 0 || ledger_v > N(k) ||
			ledger[ledger_v] == RUN(k)); /* I5: the ledger has a line of another run */
		if
		:: N(commit_v) > ledger_v -> ledger_v = N(commit_v)
		:: else
		fi;
		i = 0;
		k = 0
	};
#ifndef LEDGER_UNSYNCED
	if
	:: ledger_d != ledger_v -> ledger_d = ledger_v
	:: else
	fi
#endif
}

inline refuse()
{
#if defined(RESTORED)
	refused = true
#else
	assert(false) /* I6: refused where nobody did anything */
#endif
}

#ifdef SPOOL

#define waiting() (commit_v == 0 -> 0 : relied[INDEX(commit_v)] & ~acknowledged_v)

#ifdef NO_INCARNATION
#define KEY(e) (N(e) - 1)
#else
#define KEY(e) ((incarnation_v - 1) * EPOCHS + N(e) - 1)
#endif

/* The receiver honours keys; one that doesn't gets the same bytes again. */
inline deliver(place)
{
	k = KEY(EPOCH(place / RUNS + 1, place % RUNS + 1));
#ifdef ACKED_SWEPT
	assert(!(swept & (1 << place))); /* I4: sent again what was known to be acknowledged */
#endif
	if
	:: known & (1 << k)
#ifndef NO_INCARNATION
		-> assert(got[k] == segment[place]) /* I4: other bytes with the same key */
#endif
	:: else ->
		known = known | (1 << k);
		got[k] = segment[place];
		assert(!(delivered_v & got[k])); /* I4: a record is twice */
		delivered_v = delivered_v | got[k];
		delivered_d = delivered_v;
		once_only()
	fi;
	k = 0
}

inline lowest(where)
{
	where = 0;
	do
	:: !(waiting() & (1 << where)) -> where++
	:: else -> break
	od
}

inline send_one()
{
	d_step {
		lowest(next);
#ifdef JOURNAL_FIRST
		acknowledged_v = acknowledged_v | (1 << next);
#else
		deliver(next);
#endif
	};
#ifdef JOURNAL_FIRST
	d_step { acknowledged_d = acknowledged_v };
	d_step { deliver(next) };
#else
	d_step { acknowledged_v = acknowledged_v | (1 << next) };
	d_step { acknowledged_d = acknowledged_v };
#endif
	next = 0
}
#endif

#ifdef NO_OWN_NEEDED
#define own_is_there true
#else
#define own_is_there (have_v[me] & BIT(held_v))
#endif

/* The destination holds the commit, and nobody but this run can change that. */
inline claim_set(e)
{
	claim_v = CLAIM(e, mine);
#ifndef CLAIM_NOT_SYNCED
	d_step { sync_dir() }
#endif
}

/* Claims the destination and compares; goes over if this start can't be. */
inline fence_and_recover()
{
#ifdef CLAIM_BEFORE_FENCE
#ifdef SPOOL
	claim_set(commit_v);
#else
	if
	:: held_v == commit_v -> claim_set(commit_v)
	:: else
	fi;
#endif
#endif
#ifdef SPOOL
	d_step {
		joined[me] = mine;
		incarnation_see();
#ifdef ACKED_SWEPT
		acknowledged_v = acknowledged_v & ~swept;
		acknowledged_d = acknowledged_d & ~swept;
#endif
		seen = commit_v
	};
	d_step {
		adopt();
#ifndef NO_ADOPT
		sync_own(me);
		acknowledged_d = acknowledged_v;
#endif
	};
#else
	atomic {
#if defined(FILE) && !defined(NO_FENCE)
		flight == 0;
#endif
#if defined(SQL) && !defined(NO_FENCE)
		owner = mine;
#endif
		joined[me] = mine;
		incarnation_see();
		seen = commit_v;
	};
	d_step {
		adopt();
#ifndef NO_ADOPT
		sync_own(me);
		held_d = held_v;
		holder_d = holder_v;
		delivered_d = delivered_v;
#endif
	};
#ifdef CLAIM_UNCHECKED
	claim_set(seen);
#endif
	if
	:: held_v == seen && (seen == 0 || holder_v == incarnation_v)
	:: held_v != seen ->
		if
		:: held_v && holder_v == incarnation_v && N(held_v) >= N(seen) && own_is_there ->
			seen = held_v;
			commit_set(seen);
#ifndef READY
			goto over
#endif
		:: else -> refuse(); goto over
		fi
	:: held_v == seen && seen && holder_v != incarnation_v -> refuse(); goto over
	fi;
#endif
#if !defined(CLAIM_BEFORE_FENCE) && !defined(CLAIM_UNCHECKED)
	claim_set(seen);
#endif
	ledger_bring_up();
	if
	:: seen ->
		d_step { publish(me, seen) };
		if
		:: published_d[me] != published_v[me] ->
			d_step { published_d[me] = published_v[me] }
		:: else
		fi
	:: else
	fi;
	d_step {
		spared = mine;
		sweep_at_start(me, seen);
#ifdef ACKED_SWEPT
		swept = swept | acknowledged_d
#endif
	};
#ifdef SWEEP_AT_START
	d_step { sweep_newer(me) };
#endif
#ifndef READY
#ifdef NOT_MEANWHILE
	seen = c;
#endif
	if
	:: seen != c -> goto over
	:: else
	fi;
#endif
	seen = 0
}

/*
 * A process of a younger run says so in its lock before it looks for a claim and sweeps: either it
 * is seen here, or it has seen the claim. One that begins later will see it.
 */
inline see_that_all_are_ours()
{
#ifndef JOINS_UNSEEN
	if
	:: N(here) == N(c) + 1 ->
		d_step {
			i = 0;
			do
			:: i < ROLES && joined[i] == mine -> i++
			:: else -> break
			od;
			seen = (i < ROLES);
			i = 0
		};
		if
		:: seen -> goto over
		:: else
		fi
	:: else
	fi
#else
	skip
#endif
}

inline own_record()
{
	d_step {
		k = previous_of(here);
#ifdef SPOOL
		segment[INDEX(here)] = data;
		relied[INDEX(here)] = (data -> 1 << INDEX(here) : 0);
		if
		:: k ->
			relied[INDEX(here)] =
				relied[INDEX(here)] | (relied[INDEX(k)] & ~acknowledged_d)
		:: else
		fi;
#endif
		record_write(k);
		letters_write();
		k = 0
	};
#ifndef NO_FSYNC
	d_step { sync_own(me) }
#endif
}

inline destination_commit()
{
#ifdef SPOOL
	skip
#else
	atomic {
		flight == 0;
		flight = here;
		flight_data = data;
		landed = false
	};
	flight == 0;
	assert(landed); /* I6: a run that was let go is lost */
	landed = false;
#ifdef FILE
	d_step {
		held_d = held_v;
		holder_d = holder_v;
		delivered_d = delivered_v
	};
#endif
#endif
}

proctype sink(byte me)
{
	byte c, n, line, data, lost, seen, spared;
#ifdef SPOOL
	byte next;
#endif

end_idle:
	atomic {
#ifdef READY
		may_begin(me);
#else
		may_begin(me) && (len(in) > 0 || is_gone(me - 1, mine));
#endif
		begin(me)
	};
	{
#ifdef READY
		fence_and_recover();
		ready = ready | (1 << mine);
		c = 0;
#endif
		take(line);
		d_step {
			c = VALUE(line);
			n = N(c);
			line = 0
		};
#ifdef READY
		if
		:: commit_v != c -> goto over
		:: else
		fi;
#else
		fence_and_recover();
#endif
		do
#ifdef SPOOL
		:: waiting() -> send_one()
#endif
		:: take(line);
			if
			:: KIND(line) == DATA ->
				if
				:: data = data | VALUE(line)
				:: VALUE(line) & FOR_SINK -> lost = lost | VALUE(line)
				fi;
				line = 0
			:: KIND(line) == BARRIER || KIND(line) == LAST ->
flush:
				assert(VALUE(line) == n + 1); /* I1: barriers are consecutive */
				n++;
				see_that_all_are_ours();
#ifndef OWN_AFTER
				own_record();
#endif
#ifdef SENT_BEFORE_COMMIT
				d_step { deliver(INDEX(here)) };
#endif
#ifdef PUBLISHED_FIRST
				d_step { publish(me, here) };
				d_step { sync_own(me) };
#endif
#ifdef COMMIT_FIRST
				commit_set(here);
				destination_commit();
#else
				destination_commit();
#ifdef OWN_AFTER
				own_record();
#endif
				commit_set(here);
#endif
				data = 0;
#ifndef LEDGER_LATE
				ledger_bring_up();
#endif
				publish_seen(commit_v);
				d_step { sweep(me) };
				if
				:: KIND(line) == LAST -> break
				:: else -> line = 0
				fi
			fi
		od;
#ifdef SPOOL
		do
		:: waiting() -> send_one()
		:: else -> break
		od;
#endif
#ifdef LEDGER_LATE
		ledger_bring_up();
#endif
		fine = fine | (1 << me);
		goto over;
end_of_file:
#ifdef COMMIT_ON_EOF
		if
		:: data -> line = LAST + n + 1; goto flush
		:: else
		fi;
#endif
over:
		up = up & ~(1 << me);
		false
	} unless { atomic {
		!alive(me);
		c = 0;
		n = 0;
		line = 0;
		data = 0;
		lost = 0;
		seen = 0;
		spared = 0;
#ifdef SPOOL
		next = 0;
#endif
		end(me)
	} };
	goto end_idle
}

/* --- the world --------------------------------------------------------------------------- */

#ifndef SPOOL
#if defined(FILE) || defined(NO_CONDITION)
#define may_land true
#elif defined(NO_FENCE)
#define may_land (N(held_v) == N(flight) - 1)
#else
#define may_land (N(held_v) == N(flight) - 1 && owner == RUN(flight))
#endif

/* A transaction lands when it likes. */
active proctype destination()
{
end_idle:
	do
	:: d_step {
		flight ->
		if
		:: may_land ->
			landed = true;
			assert(!(delivered_v & flight_data)); /* I4: a record is twice */
			delivered_v = delivered_v | flight_data;
			held_v = flight;
			holder_v = incarnation_v;
			once_only();
#ifdef SQL
			held_d = held_v;
			holder_d = holder_v;
			delivered_d = delivered_v
#endif
		:: else
		fi;
		flight = 0;
		flight_data = 0
	}
	od
}
#endif

inline disturb()
{
	faults++;
	i = 0;
	do
	:: i < ROLES ->
		if
		:: alive(i) -> disturbed = disturbed | (1 << at[i])
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	failed = 0
}

active proctype killer()
{
	byte role;

end_idle:
	atomic {
		faults < FAULTS && up ->
		role = 0;
		do
		:: alive(role) -> break
		:: up >> (role + 1) -> role++
		od;
		faults++;
		failed = 0;
		disturbed = disturbed | (1 << at[role]);
		up = up & ~(1 << role);
		role = 0
	};
	goto end_idle
}

inline keep_or_lose(v, d)
{
	if
	:: v != d ->
		if
		:: d = v
		:: v = d
		fi
	:: else
	fi
}

inline keep_or_lose_each(v, d)
{
	if
	:: v != d ->
		i = 0;
		do
		:: i < PLACES ->
			if
			:: (v ^ d) & (1 << i) ->
				if
				:: v = v ^ (1 << i)
				:: d = d ^ (1 << i)
				fi
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	:: else
	fi
}

#ifndef NO_POWER_CUT
active proctype power()
{
	byte r;

end_idle:
	atomic {
		faults < FAULTS && !complete && !refused ->
		disturb();
		up = 0;
		keep_or_lose(incarnation_v, incarnation_d);
		keep_or_lose(commit_v, commit_d);
		keep_or_lose(claim_v, claim_d);
		r = 0;
		do
		:: r < ROLES ->
			keep_or_lose_each(have_v[r], have_d[r]);
			keep_or_lose_each(published_v[r], published_d[r]);
			d_step { forget(r) };
			r++
		:: else -> break
		od;
		r = 0;
		do
		:: ledger_v > ledger_d -> ledger[ledger_v] = 0; ledger_v--
		:: ledger_d = ledger_v; break
		od;
#ifdef SPOOL
		keep_or_lose_each(acknowledged_v, acknowledged_d);
#endif
#ifdef FILE
		if
		:: held_v != held_d ->
			if
			:: held_d = held_v; holder_d = holder_v; delivered_d = delivered_v
			:: held_v = held_d; holder_v = holder_d; delivered_v = delivered_d
			fi
		:: else
		fi;
		flight = 0;
		flight_data = 0;
#endif
	};
	goto end_idle
}
#endif

#if defined(RESTORED) || defined(REMOVED)
inline empty_directory()
{
	commit_v = 0;
	commit_d = 0;
	claim_v = 0;
	claim_d = 0;
	ledger_v = 0;
	ledger_d = 0;
	i = 0;
	do
	:: i < EPOCHS ->
		i++;
		ledger[i] = 0
	:: else -> break
	od;
	i = 0;
	do
	:: i < ROLES ->
		have_v[i] = 0;
		have_d[i] = 0;
		published_v[i] = 0;
		published_d[i] = 0;
		j = 0;
		do
		:: j < PLACES ->
			content[i * PLACES + j] = 0;
			letters[i * PLACES + j] = 0;
			j++
		:: else -> break
		od;
		i++
	:: else -> break
	od;
	i = 0;
	j = 0
}
#endif

#ifdef RESTORED
/* DIR comes back from a backup that was made when it was new. */
active proctype backup()
{
end_idle:
	do
	:: d_step {
		faults < FAULTS && !up && !complete && !refused && incarnation_v && !fine &&
			at[SOURCE] == at[SINK] && at[1] == at[SINK] ->
		faults++;
		failed = 0;
		incarnation_d = incarnation_v;
		empty_directory()
	} -> break
	od
}
#endif

#ifdef REMOVED
/* All is done; somebody removes DIR and wants all sent anew. */
active proctype remover()
{
end_idle:
	do
	:: d_step {
		complete ->
		complete = false;
		incarnation_v = 0;
		incarnation_d = 0;
		acknowledged_v = 0;
		acknowledged_d = 0;
		delivered_v = 0;
		delivered_d = 0;
		broken = broken | (1 << (at[SOURCE] - 1));
		empty_directory()
	} -> break
	od
}
#endif

init
{
	atomic {
		i = 0;
		do
		:: i < ROLES ->
			at[i] = 1;
			i++
		:: else -> break
		od;
		i = 1;
		do
		:: i <= STAGES ->
			run stage(i);
			i++
		:: else -> break
		od;
		i = 0;
		run source(SOURCE);
		run sink(SINK)
	}
}
