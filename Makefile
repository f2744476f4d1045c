# ddpipe: GNU make, gcc or clang, pkg-config.
#
#   make                     build into build/
#   make check               build and run every test
#   make lint                format, static analysis, manuals, layers
#   make bench fuzz model    figures; fuzzing (clang); checkpoints under spin, windows and dd-dedupe
#                            on many random streams
#   make instructions        instructions per record, beside the baseline
#   make soak                kills a checkpointed pipeline everywhere, and cuts its power
#   make install PREFIX= DESTDIR=
#   make dist                a source archive in dist/
#
# MODE=asan, MODE=portable (no vector instructions) and MODE=fuzz build beside it.

VERSION := 0.1.0
MODE ?= release
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR = $(DESTDIR)$(PREFIX)/bin
LIBEXECDIR = $(DESTDIR)$(PREFIX)/libexec/ddpipe
MANDIR = $(DESTDIR)$(PREFIX)/share/man
PKG_CONFIG ?= pkg-config

B := build$(if $(filter-out release,$(MODE)),-$(MODE))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wwrite-strings
CFLAGS ?= -O2 -g
# Two words that were just written apart are not to be read as one vector: that waits for the writes.
override CFLAGS += -std=c11 -fno-tree-slp-vectorize $(WARN) $(if $(WERROR),-Werror)
override CPPFLAGS += -Ilib -D_GNU_SOURCE -DVERSION='"$(VERSION)"'
ifeq ($(MODE),asan)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(MODE),portable)
override CPPFLAGS += -DSCAN_PORTABLE
else ifeq ($(MODE),fuzz)
CC := clang
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
endif
override CFLAGS += $(SANITIZE)
override LDFLAGS += $(SANITIZE) -Wl,--as-needed

have = $(shell $(PKG_CONFIG) --exists $(1) && echo yes)
needed := jansson zlib libzstd libxxhash libsodium
missing := $(strip $(foreach p,$(needed),$(if $(call have,$p),,$p)))
ifneq ($(filter-out clean uninstall dist,$(or $(MAKECMDGOALS),all)),)
ifneq ($(missing),)
$(error missing: $(missing); scripts/deps installs what the build needs)
endif
endif
override CFLAGS += $(shell $(PKG_CONFIG) --cflags $(needed) 2>/dev/null)
LIBS := $(shell $(PKG_CONFIG) --libs $(needed) 2>/dev/null) -lcsv -lm

# One line a destination that needs a library of its own: sink, package, other schemes it serves.
sink_sqlite := sqlite3
sink_http := libcurl
also_http := https

# The same of modules that are loaded when they are asked for: cmd/state/NAME.c.
state_rocksdb := rocksdb

states_all := $(patsubst cmd/state/%.c,%,$(wildcard cmd/state/*.c))
states := $(foreach s,$(states_all),$(if $(call have,$(state_$s)),$s))
states_dropped := $(filter-out $(states),$(states_all))

sinks_all := $(patsubst cmd/sinks/sink-%.c,%,$(wildcard cmd/sinks/sink-*.c))
sinks := $(foreach s,$(sinks_all),$(if $(call have,$(sink_$s)),$s))
sinks_dropped := $(filter-out $(sinks),$(sinks_all))

commands := $(patsubst cmd/%.c,%,$(wildcard cmd/dd-*.c))
programs := $(commands:%=$B/%) $(sinks:%=$B/sink-%)
modules := $(states:%=$B/state-%.so)
links := $(foreach s,$(sinks),$(also_$s:%=$B/sink-%))
lib_objects := $(patsubst %.c,$B/%.o,$(wildcard lib/*/*.c))
units := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/*.c))
tools := $(patsubst tests/tools/%.c,$B/tools/%,$(wildcard tests/tools/*.c))
shims := $(patsubst tests/tools/shim/%.c,$B/tools/%.so,$(wildcard tests/tools/shim/*.c))
benches := $(patsubst tests/bench/%.c,$B/bench/%,$(wildcard tests/bench/*.c))
fuzzers := $(patsubst tests/fuzz/%.c,$B/fuzz/%,$(wildcard tests/fuzz/*.c))
manuals := $(wildcard man/*.[1-9])

.PHONY: all check lint bench instructions fuzz model soak units test-programs install uninstall dist \
	clean format
.DELETE_ON_ERROR:
.SECONDARY:

all: $(programs) $(links) $(modules)
	@$(if $(sinks_dropped)$(states_dropped),echo "left out for want of a library: $(foreach \
		s,$(sinks_dropped),sink-$s ($(sink_$s))) $(foreach \
		s,$(states_dropped),state-$s ($(state_$s)))")

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$B/libddpipe.a: $(lib_objects)
	@rm -f $@
	$(AR) rcs $@ $^

$B/dd-%: $B/cmd/dd-%.o $B/libddpipe.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# A sink is sink-NAME.c and, where that grows too large, NAME-*.c beside it.
parts = $(patsubst %.c,$B/%.o,$(wildcard cmd/sinks/$1-*.c))
$(foreach s,$(sinks),$(eval $B/cmd/sinks/sink-$s.o $(call parts,$s): \
	EXTRA_CFLAGS := -Icmd $(shell $(PKG_CONFIG) --cflags $(sink_$s))))
$(foreach s,$(sinks),$(eval $B/sink-$s: $(call parts,$s)))
$B/sink-%: $B/cmd/sinks/sink-%.o $B/libddpipe.a
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(shell $(PKG_CONFIG) --libs $(sink_$*)) $(LIBS)

$(foreach s,$(sinks),$(foreach a,$(also_$s),$(eval \
	$B/sink-$a: $B/sink-$s ; ln -sf sink-$s $$@)))

# A module sees of ddpipe no more than a header.
$B/state-%.so: cmd/state/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(shell $(PKG_CONFIG) --cflags $(state_$*)) -fPIC -shared \
		$(LDFLAGS) -MMD -MP -MF $(@:.so=.d) -o $@ $< $(shell $(PKG_CONFIG) --libs $(state_$*))

# Programs find it beside them.
$B/unit/state-%.so $B/bench/state-%.so: $B/state-%.so
	@mkdir -p $(@D)
	ln -sf ../$(<F) $@

units: $(units)
test-programs: $(units) $(tools) $(shims) $(fuzzers) $(benches)

$B/unit/%.main.c: tests/unit/%.c scripts/unit-main
	@mkdir -p $(@D)
	scripts/unit-main $< >$@

$B/unit/%: tests/unit/%.c $B/unit/%.main.c $B/libddpipe.a
	$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS) -MMD -MP \
		-o $@ $(filter %.c %.a,$^) $(LIBS)

$B/unit/disk $B/unit/store $B/unit/keyset: | $(states:%=$B/unit/state-%.so)
$B/bench/disk: | $(states:%=$B/bench/state-%.so)

# Programs that a test talks to.
$B/tools/%: tests/tools/%.c $B/libddpipe.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $(filter %.c %.a,$^) $(LIBS)

# Preloaded into programs, which sanitizers would not survive.
$B/tools/%.so: tests/tools/shim/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out $(SANITIZE),$(CFLAGS)) -fPIC -shared -MMD -MP -o $@ $<

# Without the fuzzer a target is a program that replays the corpus files it is given.
$B/fuzz/%: tests/fuzz/%.c $B/libddpipe.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(if $(filter fuzz,$(MODE)),,-DREPLAY) $(CFLAGS) -Wno-missing-prototypes \
		$(LDFLAGS) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) -MMD -MP -o $@ \
		$(filter %.c %.a,$^) $(LIBS)

check: all test-programs
	B=$(abspath $B) tests/run

lint:
	scripts/lint

format:
	find cmd lib tests -name '*.[ch]' | xargs clang-format -i

# BENCH=--quick for a look at it, or the names of some of its parts.
bench: all $(benches)
	B=$(abspath $B) tests/bench/all $(BENCH)

instructions: all $(benches)
	B=$(abspath $B) tests/bench/instructions


$B/bench/state: LIBS += $(if $(call have,lmdb),-llmdb)
$B/bench/%: tests/bench/%.c $B/libddpipe.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $(filter %.c %.a,$^) $(LIBS)

fuzz:
	scripts/fuzz

# The checkpoint protocol under spin; windows against a slow reference, on many more random streams
# than the ordinary run has.
model: all
	tests/model/checkpoint
	B=$(abspath $B) tests/model/window -n 100000
	B=$(abspath $B) tests/model/resume -n 30000
	B=$(abspath $B) tests/model/dedupe -n 20000

soak: all $(shims)
	B=$(abspath $B) tests/soak/soak --random 2500 --systematic $(SOAK)

install: all
	install -d $(BINDIR) $(LIBEXECDIR) $(foreach n,1 7,$(MANDIR)/man$n)
	install $(commands:%=$B/%) $(BINDIR)
	$(if $(sinks)$(states),install $(sinks:%=$B/sink-%) $(modules) $(LIBEXECDIR))
	$(foreach s,$(sinks),$(foreach a,$(also_$s),ln -sf sink-$s $(LIBEXECDIR)/sink-$a;))
	$(foreach m,$(manuals),install -m 644 $m $(MANDIR)/man$(lastword $(subst ., ,$m));)

uninstall:
	rm -f $(commands:%=$(BINDIR)/%) $(foreach m,$(manuals),$(MANDIR)/man$(lastword \
		$(subst ., ,$m))/$(notdir $m))
	rm -f $(foreach s,$(sinks_all) $(foreach t,$(sinks_all),$(also_$t)),$(LIBEXECDIR)/sink-$s)
	rm -f $(states_all:%=$(LIBEXECDIR)/state-%.so)
	-rmdir $(LIBEXECDIR)

dist:
	@mkdir -p dist
	git archive --prefix=ddpipe-$(VERSION)/ -o dist/ddpipe-$(VERSION).tar.gz HEAD

clean:
	rm -rf build build-* dist

-include $(shell test -d $B && find $B -name '*.d')
