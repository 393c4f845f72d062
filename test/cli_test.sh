#!/bin/sh
# Drives the program as a user does: exit codes, messages, files left and not left behind.
#   cli_test.sh PROGRAM
# shellcheck source=test/cli.sh
. "$(dirname "$0")/cli.sh"

ends 0 generate good.svm --rows 2000 --columns 500 --nonzeros 20
gzip -c good.svm >good.svm.gz
printf '1 0:1\n-1 1:1\n' >zero.svm
printf '1 1:1\n-1 4294967294:1\n' >wide.svm
echo precious >kept.model
echo precious >kept.json

# --- Training, predicting, evaluating -------------------------------------------------------------------------------------

ends 0 train good.svm.gz --model good.model --report good.json --valid good.svm --epochs 5 --threads 2
check 'five lines of progress for five epochs' [ "$(grep -c '^epoch [1-5] ' "$err")" -eq 5 ]
check 'nothing else on standard error' [ "$(wc -l <"$err")" -eq 5 ]
check 'the summary says where the model went' grep -q '^model: good.model' "$out"
for option in discipline block refresh tau step; do
  check "the summary says why this $option" grep -q "^$option [^ ]*: ." "$out"
done
check 'the summary tells of the validation samples' grep -q '^validation: ' "$out"
has_keys good.json outcome objective loss accuracy epochs samples coordinates nonzeros threads block_rows discipline \
  rule step load_seconds prepare_seconds train_seconds nonzeros_per_second per_epoch epoch seconds options \
  l2 bias schedule decay seed tolerance patience tau reserved_slots numa_nodes core_type threads_per_core pin priority nodes tasks blocks \
  data valid model index_base normalize validation auc
check 'outcome' grep -q '"outcome": "epoch_limit"' good.json
check 'accuracy' between 0.8 "$(number good.json accuracy)" 1

ends 0 evaluate good.model good.svm --report evaluated.json
has_keys evaluated.json accuracy loss auc samples data model
check 'evaluate finds the accuracy of training' \
  between -1e-9 "$(number good.json accuracy) - $(number evaluated.json accuracy)" 1e-9
ends 0 predict good.model good.svm
check 'a label a row' [ "$(grep -c -x -e '-*1' "$out")" -eq 2000 ]
ends 0 predict good.model good.svm --margins --output margins.txt --report predicted.json
check 'a margin a row' [ "$(grep -c -e '\.' margins.txt)" -eq 2000 ]
has_keys predicted.json accuracy loss auc samples output margins
silent train good.svm --objective logistic --bias --quiet --model logistic.model
ends 0 info logistic.model --weights weights.txt
check 'the model is described as well' grep -q '^objective  *logistic' "$out"
awk 'NR == FNR { w[$1] = $2; next } { m = w["bias"]; for (i = 2; i <= NF; ++i) { split($i, e, ":"); m += w[e[1]] * e[2] }
  print m }' weights.txt good.svm >sums.txt
ends 0 predict logistic.model good.svm --margins
cp "$out" margins.txt
check 'margins are sums of the weights as text' [ "$(paste sums.txt margins.txt |
  awk '{ d = $1 - $2; if (d < 1e-4 && d > -1e-4) ++n } END { print n }')" -eq 2000 ]
ends 0 info logistic.model --weights -
check 'weights alone' cmp -s "$out" weights.txt
refused 'good.svm' info good.svm --weights new.txt
refused '--weights needs a FILE' info --machine --weights new.txt
ends 0 predict logistic.model good.svm --probabilities
check 'probabilities of the positive label' [ "$(paste "$out" margins.txt |
  awk '{ p = 1 / (1 + exp(-$2)); if ($1 - p < 1e-5 && p - $1 < 1e-5) ++n } END { print n }')" -eq 2000 ]
refused 'found a model of hinge, which has no probabilities; those of logistic, one_vs_rest_logistic, softmax,' \
  predict good.model good.svm --probabilities
refused 'give one' predict logistic.model good.svm --probabilities --margins
sed 's/^[^ ]*/7/' good.svm >unlabelled.svm
silent predict good.model unlabelled.svm --output labels.txt --report predicted.json --quiet
check 'no accuracy without labels' [ -z "$(number predicted.json accuracy)" ]
sed 's/^[^ ]* //' unlabelled.svm >bare.svm
silent predict good.model bare.svm --output bare.txt --report predicted.json --quiet
check 'rows without labels are predicted' cmp -s labels.txt bare.txt
check 'and not judged' [ -z "$(number predicted.json accuracy)" ]
refused 'bare.svm:1:1: found' evaluate good.model bare.svm
refused 'expected a label' train bare.svm
refused 'unlabelled.svm:1: the label is 7' evaluate good.model unlabelled.svm
printf '1 1:1\n# c\n\n1 1:2\n7 2:1\n' >seven.svm
refused 'seven.svm:5: the label is 7' evaluate good.model seven.svm
refused 'seven.svm:5: the label is 7' train good.svm --valid seven.svm

silent train good.svm --quiet --epochs 2 --model again.model --report again.json
silent evaluate good.model good.svm --quiet
ends 0 train good.svm --epochs 1
check 'a hint where no model is kept' grep -q -e '--model' "$out"

silent train - --quiet --target 0.9 --bias --report piped.json <good.svm.gz
check 'target' grep -q '"outcome": "converged"' piped.json
ends 0 evaluate good.model good.svm --quiet --report -
has_keys "$out" accuracy
silent train good.svm --quiet --epochs 100000000 --time-limit 0.1 --report late.json
check 'time limit' grep -q '"outcome": "time_limit"' late.json
silent train good.svm --quiet --epochs 1000 --tolerance 0.01 --patience 2 --report early.json
check 'tolerance' grep -q '"outcome": "converged"' early.json
check 'tolerance ends early' between 3 "$(number early.json epochs)" 999

silent train good.svm --quiet --sparsify top_k --keep 0.2 --report masked.json
check 'a share is pushed' between 0.2 "$(number masked.json share_pushed)" 0.5
check 'and told' [ "$(number masked.json sparsify)" = '"top_k"' ]

silent train good.svm --quiet --schedule backoff --decay 0.5 --report backoff.json
check 'decay' [ "$(number backoff.json decay)" = 0.5 ]
ends 0 train good.svm --schedule theorem --accuracy 0.1 --l2 0.1 --report theorem.json
check 'the theorem has its line' [ "$(grep -c '^theorem: step ' "$out")" -eq 1 ]
has_keys theorem.json theorem strong_convexity gradient_bound accuracy
check 'step of the theorem' between 0.9 \
  "$(number theorem.json step) * 2 * $(number theorem.json gradient_bound)^2 / (0.1 * 0.1)" 1.1

# --- Labels, columns, rows ----------------------------------------------------------------------------------------------

for labels in '0 1' '1 2' '-2.5 1e3'; do
  # shellcheck disable=SC2086 # two words on purpose
  set -- $labels
  awk -v negative="$1" -v positive="$2" '{ $1 = $1 > 0 ? positive : negative; print }' good.svm >labels.svm
  silent train labels.svm --quiet --model labels.model --report labels.json
  check "labels $labels: accuracy" between 0.8 "$(number labels.json accuracy)" 1
  ends 0 predict labels.model labels.svm
  check "labels $labels: predictions are labels" \
    [ "$(sort -u "$out" | tr '\n' ' ')" = "$(cut -d' ' -f1 labels.svm | sed 's/1e3/1000/' | sort -u | tr '\n' ' ')" ]
done

awk '{ $1 = $1 > 0 ? 4 + NR % 2 : 1 + NR % 3; print }' good.svm >many.svm
for rule in '--positive-above 3.5' '--positive-class 4'; do
  # shellcheck disable=SC2086 # two words on purpose
  silent train many.svm --quiet --model many.model --report many.json $rule
  check "$rule: accuracy" between 0.6 "$(number many.json accuracy)" 1
  silent evaluate many.model many.svm --quiet --report evaluated.json
  check "$rule: the model remembers" \
    between -1e-9 "$(number many.json accuracy) - $(number evaluated.json accuracy)" 1e-9
done
ends 0 predict many.model many.svm
check 'the class that was chosen is predicted' [ "$(sort -u "$out" | tr '\n' ' ')" = '-1 4 ' ]
refused 'leaves one class only' train many.svm --positive-class 9

# As floats, the first two are the same.
printf '100000001 1:1\n100000002 2:1\n7 3:1\n' >ids.svm
for objective in hinge softmax; do refused 'ids.svm:1:1: found the class' train ids.svm --objective $objective; done
for class in 100000002 100000000; do refused 'found the class' train ids.svm --positive-class $class; done
refused 'ids.svm:1:1: found the class' convert ids.svm new.blocks
silent train ids.svm --objective least_squares --quiet
silent train ids.svm --positive-class 7 --quiet --model ids.model
silent evaluate ids.model ids.svm --quiet

printf '1 1:1\n-1 501:1\n' >wider.svm
refused 'wider.svm:2:4: ' evaluate good.model wider.svm
refused 'wider.svm:2:4: ' predict good.model wider.svm --output kept.json
refused 'wider.svm:2:4: ' train good.svm --valid wider.svm
ends 0 evaluate good.model wider.svm --ignore-unknown --report wider.json
check 'evaluate counts what it leaves out' grep -q ', 2 samples, 1 value of unknown columns left out$' "$out"
check 'and reports it' [ "$(number wider.json unknown_values)" -eq 1 ]
ends 0 predict good.model wider.svm --ignore-unknown --output labels.txt
check 'predict counts it as well' grep -q ' in labels.txt, 1 value of unknown columns left out$' "$out"
ends 0 evaluate good.model good.svm --ignore-unknown
check 'nothing is left out of what is known' [ "$(grep -c 'left out' "$out")" -eq 0 ]
silent train good.svm --valid wider.svm --ignore-unknown --quiet
refused 'zero.svm:1:3: ' evaluate good.model zero.svm
ends 0 evaluate good.model zero.svm --index-base 0

ends 0 generate long.svm --rows 500 --columns 100 --nonzeros 10 --no-normalize --index-base 0
silent train long.svm --normalize --quiet --model long.model --report long.json
silent evaluate long.model long.svm --quiet --report evaluated.json
check 'the model normalizes as training did' \
  between -1e-6 "$(number long.json loss) - $(number evaluated.json loss)" 1e-6

ends 0 generate real.svm --rows 2000 --columns 200 --nonzeros 10 --regression
for objective in least_squares 'huber --huber-delta 0.5' quantile 'epsilon_insensitive --epsilon 0.2' \
  squared_epsilon_insensitive; do
  # shellcheck disable=SC2086 # several words on purpose
  silent train real.svm --quiet --model real.model --report real.json --objective $objective
  has_keys real.json rmse
  check "$objective: rmse" between 0 "$(number real.json rmse)" 0.5
  ends 0 predict real.model real.svm
  check "$objective: a number a row" [ "$(wc -l <"$out")" -eq 2000 ]
  ends 0 evaluate real.model real.svm
  check "$objective: rmse is told" grep -q rmse "$out"
done

# --- Cross validation ------------------------------------------------------------------------------------------------------

printf '%s\n' '-1 1:1 2:5' '-1 1:1 2:6' '1 1:1 2:1' '-1 1:1 2:9' '-1 1:1 2:8' '-1 1:1 2:7' >lone.svm
ends 0 train lone.svm --folds 3 --report folds.json
check 'one fold has both classes' [ "$(grep -c '"auc"' folds.json)" -eq 1 ]
check 'the mean is over the folds that have a figure' [ "$(number folds.json auc)" = "$(number folds.json auc_mean)" ]
rm folds.json
ends 1 train good.svm --objective least_squares --rule adagrad --step 1e38 --folds 3 --report folds.json
check 'a fold that diverged is told' grep -q 'a fold diverged: ' "$err"
check 'and no mean' [ "$(cat "$out" folds.json 2>/dev/null | wc -c)" -eq 0 ]

# --- What threads bring ---------------------------------------------------------------------------------------------------

ends 0 speedup good.svm --disciplines atomic,racy:1 --threads 1,2 --epochs 4 --repeat 2 --simulate 4 --above 50 \
  --report speedup.json --plot speedup.svg
check 'five runs in the table' [ "$(grep -c -E '^(atomic|racy)(:1)? +[12] ' "$out")" -eq 5 ]
check 'the serial run is told' [ "$(grep -c '= serial' "$out")" -eq 1 ]
check 'simulation is told from measurement' grep -q '^simulated: .* no speed is measured' "$out"
has_keys speedup.json objective_name l2 rule epochs repeat samples usable_threads best_objective target above serial \
  measured discipline simulated threads block_rows outcome step objective percent_above_best epochs_to_target \
  seconds_per_epoch speedup least_speedup most_speedup seconds_to_target speedup_to_target share_lost per_epoch \
  workers inflation
check 'five runs and the serial one once more are measured' [ "$(grep -c '"speedup":' speedup.json)" -eq 6 ]
check 'no speed is claimed for what is simulated' [ "$(sed -n '/^  "simulated": \[/,$p' speedup.json | grep -c second)" -eq 0 ]
check 'two are simulated, one worker first' \
  [ "$(sed -n 's/^ *"workers": \([0-9]*\).*/\1/p' speedup.json | tr '\n' ' ')" = '1 4 ' ]
check 'the serial run is as fast as itself' [ "$(number speedup.json speedup)" = 1.0 ]
check 'the target is above the best' between "$(number speedup.json best_objective)" "$(number speedup.json target)" 1
check 'seconds are told' between 1e-9 "$(number speedup.json seconds_per_epoch)" 60
check 'the plot is SVG, to its end' [ "$(head -c 4 speedup.svg)$(tail -n 1 speedup.svg | tail -c 7)" = '<svg</svg>' ]
check 'the plot has four charts' \
  [ "$(grep -o -e 'Wall-clock speed-up' -e 'Time to the target' -e 'Objective over time' -e 'staleness costs' speedup.svg | sort -u | wc -l)" -eq 4 ]
silent speedup good.svm --quiet --disciplines atomic --threads 1 --epochs 2 --repeat 1 --simulate none --target 0 \
  --report speedup.json
check 'a target out of reach is not reached' [ "$(number speedup.json epochs_to_target)" = null ]
check 'nothing is simulated' grep -q '"simulated": \[\]' speedup.json

# --- What the theory says beforehand --------------------------------------------------------------------------------------

ends 0 inspect good.svm --objective logistic --json inspect.json --plot inspect.svg
check 'advice with reasons' [ "$(grep -cE '^  (discipline|block|refresh|tau|step) +[^ ].*: .+' "$out")" -eq 5 ]
has_keys inspect.json samples coordinates nonzeros omega delta rho conflict_degree_average conflict_degree_interval \
  conflict_degree_max tau_safe conflict_chance hottest without_hot weighted cache_lines in_order inflation theorem recommended
check 'samples' [ "$(number inspect.json samples)" -eq 2000 ]
check 'a picture' grep -q '</svg>' inspect.svg
estimated=$(number inspect.json conflict_degree_average)
ends 0 inspect good.svm --exact --json exact.json
exact=$(number exact.json conflict_degree_average)
check "Dbar is about $exact, not $estimated" awk "BEGIN { exit !($estimated / $exact < 1.02 && $exact / $estimated < 1.02) }"
check 'safe tau is n / (2 Dbar)' awk "BEGIN { d = $(number exact.json tau_safe) * 2 * $exact / 2000; exit !(d > 0.999 && d < 1.001) }"
ends 0 train good.svm --measure --report measured.json
check 'a line on asynchrony' grep -q "^asynchrony: .* it$" "$out"
has_keys measured.json asynchrony staleness_p50 staleness_p99 staleness_max headroom r1 r2 share_of_gradient_noise
seq 500 | sed 's/^/word/' >words.txt
ends 0 inspect good.svm --vocabulary words.txt --hottest 1
check 'hot coordinates have names' grep -q '; word[0-9]' "$out"
printf 'c a grid\np max 4 5\nn 1 s\nn 4 t\na 1 2 3\na 1 3 2\na 2 3 1\na 2 4 2\na 3 4 3\n' >grid.max
ends 0 inspect grid.max
check 'a network' grep -q '^grid.max: 1 sample, 4 coordinates; graph_cut' "$out"
printf 'a,x,1\na,y,2\nb,x,3\n' >few.txt
ends 0 inspect few.txt --objective matrix_completion --exact --hottest 2
check 'users and items' grep -q 'user a' "$out"

# --- Models ----------------------------------------------------------------------------------------------------------------

{ head -c 400 good.model; printf '\377'; tail -c +402 good.model; } >flipped.model
refused 'flipped.model: ' evaluate flipped.model good.svm
head -c 400 good.model >short.model
refused 'short.model: truncated' predict short.model good.svm --output kept.json
refused 'good.svm: not a sounder model' evaluate good.svm good.svm
refused 'missing.model: cannot read' evaluate missing.model good.svm

gzip -c good.model >good.model.gz
refused 'good.model.gz: models are read by name and not compressed' info good.model.gz
# shellcheck disable=SC2002 # a pipe on purpose
cat good.model | "$program" info - >"$out" 2>"$err"
check 'a model from a pipe is refused' grep -q 'models are read by name and not compressed' "$err"
ends 0 info good.model --json info.json
has_keys info.json objective dimension l2 nonzero_weights labels largest_weights
ends 0 info good.svm --json info.json --machine
has_keys info.json rows columns index_base nonzeros nonzeros_per_row nonzeros_per_column empty_rows empty_columns \
  row_length normalized labels usable_threads
check 'rows' [ "$(number info.json rows)" -eq 2000 ]
has_keys info.json usable_threads affinity_threads cgroup_quota cores numa_nodes core_types onetbb kernels use arenas \
  blocks parameters

# Two NUMA nodes that hwloc makes up, where oneTBB has its library to ask it.
HWLOC_SYNTHETIC='NUMANode:2 core:1 pu:1'
export HWLOC_SYNTHETIC
ends 0 info --machine --numa all --threads 4
if grep -q '^numa_nodes .*node 1' "$out"; then
  check 'an arena a node' grep -q 'arenas node 0, threads 2; node 1, threads 2' "$out"
  ends 0 train good.svm --numa all --threads 4 --epochs 3 --report nodes.json
  check 'two nodes' [ "$(grep -c '"remote_tasks": 0' nodes.json)" -eq 2 ]
  refused 'numa_nodes = 2: this machine has 0, 1 only' train good.svm --numa 0,2
  refused 'threads = 1: must be >= 1 for each of the 2 NUMA nodes' train good.svm --numa 0,1 --threads 1
fi
unset HWLOC_SYNTHETIC
ends 0 info wide.svm
check 'one huge column number costs no memory' grep -q 'columns *4294967294' "$out"
printf '1 1:3e30 2:4e30\n-1 1:3e-30 2:4e-30\n' >far.svm
ends 0 info far.svm
check 'lengths whose squares no float holds' grep -q '^row_length *min 5e-30, .*max 5e+30$' "$out"

# --- Choosing l2 and step -----------------------------------------------------------------------------------------------------

# message | arguments
while IFS='|' read -r fragment arguments; do
  # shellcheck disable=SC2086 # several words on purpose
  refused "$fragment" tune good.svm $arguments
done <<'TABLE'
--l2|--l2 1e-4
--step|--step 1
--l2s = x: must be a finite number|--l2s 1e-3,x
1e-3 is there twice|--l2s 1e-3,1e-3
l2 = -1: must be >= 0|--l2s -1
step = 0: must be > 0|--steps auto,0
--valid-share = 1: must be > 0 and < 1|--valid-share 1
--valid and --valid-share contradict|--valid good.svm --valid-share 0.5
--ignore-unknown needs --valid|--ignore-unknown
rule = saga: what it remembers of the samples|--rule saga
discipline = ordered: takes one candidate only|--discipline ordered
good.svm: named twice|--model good.svm
nowhere/x: cannot|--report nowhere/x
TABLE
refused 'missing.svm' tune missing.svm --model kept.model

ends 0 tune good.svm --l2s 1e-2,1e-4,10 --steps auto,1 --epochs 4 --threads 1 --normalize --seed 5 \
  --model 'my best.model' --report tuned.json
check 'a line of progress an epoch' [ "$(grep -c '^best: epoch [1-4] ' "$err")" -eq 4 ]
check 'a line a candidate' [ "$(grep -c '  loss ' "$out")" -eq 6 ]
has_keys tuned.json outcome ranking l2 step diverged best_epoch objective training validation loss accuracy auc command \
  samples validation_samples valid_share train_seconds evaluate_seconds
check 'samples' [ "$(number tuned.json samples) $(number tuned.json validation_samples)" = '1600 400' ]
check 'the ranking begins with the least loss' awk -F'"loss": ' '/"validation": {/ { held_out = 1 }
  /"loss":/ && held_out { if ($2 + 0 < last) exit 1; last = $2 + 0; held_out = 0 }' tuned.json
check 'the last line is a command' [ "$(tail -n 1 "$out" | cut -d: -f1)" = 'on all samples' ]
train_best=$(sed -n 's/^on all samples: sounder //p' "$out")
silent evaluate 'my best.model' good.svm --quiet
eval "ends 0 $train_best --report trained.json"
check 'the command trains on all samples' [ "$(number trained.json samples)" -eq 2000 ]
check 'the command has the flags given' [ "$(number trained.json seed) $(number trained.json normalize)" = '5 true' ]
check 'the command has the l2 of the best' [ "$(number trained.json l2)" = "$(sed -n '/ranking/,$p' tuned.json | sed -n 's/^ *"l2": \([^,]*\),*$/\1/p' | head -n 1)" ]
silent tune good.svm --valid good.svm --quiet --bias --l2s 1e-3 --steps 1 --epochs 5 --threads 1 --report tuned.json
silent train good.svm --valid good.svm --quiet --bias --l2 1e-3 --step 1 --epochs 5 --threads 1 --report alone.json
check 'one candidate does what train does' [ "$(number tuned.json loss)" = "$(number alone.json loss)" ]
printf '1 1:1e18\n2 1:1e18\n3 1:1e18\n' >huge.svm
ends 1 tune huge.svm --objective least_squares --rule adagrad --steps 1e30 --l2s 0 --model none.model
check 'nothing is kept when all diverge' [ ! -e none.model ]
check 'and that is said' grep -q '^sounder: all candidates diverged' "$err"

# --- Block files ---------------------------------------------------------------------------------------------------------

# By label: the rows of text in random order are not dealt, those of a file are.
sort good.svm >sorted.svm
ends 0 convert sorted.svm good.blocks --block 64
ends 0 train good.blocks --epochs 3 --threads 1 --report blocks.json --model blocks.model
ends 0 train sorted.svm --epochs 3 --threads 1 --block 64 --report text.json
check 'blocks train as their samples' [ "$(number blocks.json objective)" = "$(number text.json objective)" ]
ends 0 train good.blocks --epochs 3 --threads 1 --memory 0.01 --report beyond.json
check 'and beyond memory' [ "$(number beyond.json objective)" = "$(number text.json objective)" ]
silent evaluate blocks.model good.svm --quiet
ends 0 train good.blocks --epochs 3 --valid good.svm --block 64
ends 0 info good.blocks
check 'info tells the rows' grep -q '^rows *2000$' "$out"
ends 0 convert good.svm.gz packed.blocks --rule adagrad --bias --threads 1 --quiet
ends 0 train packed.blocks --rule adagrad --bias --epochs 3
"$program" convert - piped.blocks --quiet --block 64 <good.svm 2>"$err"
check 'convert reads standard input' [ -s piped.blocks ]
ends 0 generate plane.svm --regression --rows 500 --columns 50 --nonzeros 10
for loss in least_squares huber; do
  ends 0 convert plane.svm plane.blocks --objective $loss
  ends 0 train plane.blocks --objective $loss --epochs 3
done
refused 'a block file holds' convert plane.svm new.blocks --objective matrix_completion
refused 'found blocks without a bias: convert the samples again with --objective hinge --rule sgd --bias, or' train good.blocks --bias
refused 'convert the samples again with --objective logistic --rule saga --l1 0.001 --average --bias, or' train good.blocks --objective logistic --rule saga --l1 1e-3 --bias --average-from 2 --model kept.model
refused 'found blocks of 64 rows' train good.blocks --block 32
refused 'found blocks of two classes' train good.blocks --objective huber
refused '--normalize is settled' train good.blocks --normalize
refused '--memory is for a block file' train good.svm --memory 100
refused '--folds needs samples, found a block file' train good.blocks --folds 3
refused 'good.blocks: found a block file, expected samples' evaluate blocks.model good.blocks
refused 'good.blocks: found a block file, expected samples' tune good.blocks
refused 'good.blocks: found a block file, expected samples' convert good.blocks new.blocks
refused 'takes one as its DATA' train good.blocks --valid good.blocks
gzip -c good.blocks >good.blocks.gz
refused 'by name and not compressed' train good.blocks.gz
refused 'blocks.model: found a model, expected samples' predict blocks.model blocks.model
refused 'blocks.model: found a model, expected samples' convert blocks.model new.blocks
refused 'objective = softmax: a block file holds' convert good.svm new.blocks --objective softmax
refused '/dev/null: no samples' convert /dev/null new.blocks
refused 'named twice' convert good.svm good.svm
head -c 5000 good.blocks >cut.blocks
refused 'cut.blocks: truncated' train cut.blocks --model kept.model
{ head -c 30000 good.blocks; printf 'XXXX'; tail -c +30005 good.blocks; } >flipped.blocks
refused 'is corrupt: its checksum' train flipped.blocks --model kept.model --report kept.json

# --- Help --------------------------------------------------------------------------------------------------------------------

ends 0 --version
check 'version' grep -q '^sounder [0-9]' "$out"
for command in train convert tune speedup inspect predict evaluate generate info; do
  ends 0 "$command" --help
  check "$command --help shows an example" grep -q "^  sounder $command " "$out"
done

# --- Ctrl-C --------------------------------------------------------------------------------------------------------------------

# interrupted SIGNAL CODE: training is stopped in its midst.
again=
interrupted() {
  : >"$err"
  "$program" train good.svm --epochs 100000000 --model stopped.model --report stopped.json >"$out" 2>"$err" &
  while [ ! -s "$err" ] && kill -0 $!; do sleep 0.02; done
  for signal in $1 $again; do kill -s "$signal" $!; done
  wait $!
  check "SIG$1 ends with $2" [ $? -eq "$2" ]
  check "SIG$1: outcome" grep -q '"outcome": "cancelled"' stopped.json
  silent evaluate stopped.model good.svm --quiet
  rm stopped.model stopped.json
}
interrupted INT 130
interrupted TERM 143
# Where it is not ignored, as under nohup; a shell that loses its terminal sends it again.
sh -c 'kill -s HUP $$' 2>/dev/null
if [ $? -eq 129 ]; then
  interrupted HUP 129
  again=HUP
  interrupted HUP 129
  again=
  : >"$err"
  trap '' HUP
  "$program" train good.svm --epochs 100000000 --time-limit 0.5 >"$out" 2>"$err" &
  trap - HUP
  while [ ! -s "$err" ] && kill -0 $!; do sleep 0.02; done
  kill -s HUP $!
  wait $!
  check 'an ignored SIGHUP stays ignored' [ $? -eq 0 ]
fi

: >"$err"
"$program" speedup good.svm --epochs 100000000 --report stopped.json --plot stopped.svg >"$out" 2>"$err" &
while [ ! -s "$err" ] && kill -0 $!; do sleep 0.02; done
kill -s INT $!
wait $!
check 'SIGINT ends speedup with 130' [ $? -eq 130 ]
check 'SIGINT says that there are no figures' [ "$(tail -n 1 "$err")" = 'sounder: stopped; no file was written' ]
check 'SIGINT leaves no figures' [ "$(echo stopped*)" = 'stopped*' ]

mkfifo pipe.svm
"$program" train pipe.svm --model stopped.model 2>"$err" &
exec 3>pipe.svm
kill -s INT $!
wait $!
check 'SIGINT while reading ends with 130' [ $? -eq 130 ]
check 'SIGINT while reading says so' [ "$(cat "$err")" = 'sounder: stopped; no file was written' ]
exec 3>&-
check 'SIGINT while reading leaves no file' [ "$(echo stopped*)" = 'stopped*' ]
check 'no temporary file is left' [ "$(echo ./*.tmp*)" = './*.tmp*' ]

# ---------------------------------------------------------------------------------------------------------------------------------

finish
