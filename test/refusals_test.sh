#!/bin/sh
# What the program cannot take: data, flags and outputs. Each gets one line of complaint, and nothing is left behind or lost.
#   refusals_test.sh PROGRAM
# shellcheck source=test/cli.sh
. "$(dirname "$0")/cli.sh"

# --- Data that cannot be read -----------------------------------------------------------------------------------------

echo precious >kept.model
echo precious >kept.json

bad_data() {
  refused "$1" train bad.svm --model kept.model --report kept.json
  refused "$1" info bad.svm
}

# message | what stands in the file
while IFS='|' read -r fragment content; do
  printf '%b' "$content" >bad.svm
  bad_data "bad.svm$fragment"
done <<'TABLE'
: no samples|
: no samples|# nothing\n\n
:2:5: found the end of the line, expected a value|1 1:1\n1 3:\n
:2:5: found "nan"|1 1:1\n1 2:nan\n
:1:5: found "inf"|1 2:inf\n1 2:1\n
:1:5: found "1e400"|1 2:1e400\n
:3:3: found "-1:2"|1 1:1\n1 1:1\n1 -1:2\n
:1:3: found "4294967296:1"|1 4294967296:1\n
:1:7: found index 1|1 1:1 1:2\n
:1:7: found index 2|1 3:1 2:2\n
:1:3: found ":4"|1 :4\n
:1:1: found "cat"|cat 1:1\n
:1:1: found "nan"|nan 1:1\n
:1:1: found "\x00|\0000\0001\0377\n
TABLE
rm bad.svm

mkfifo "$root/log/pipe"
{ { echo cat && yes '1 1:1' | head -c 100000000; } >"$root/log/pipe" && touch "$root/log/all"; } 2>/dev/null &
refused ':1:1: found "cat"' info "$root/log/pipe"
wait
check 'info reads rows a piece at a time' [ ! -e "$root/log/all" ]

refused 'missing.svm' train missing.svm --model kept.model
refused '.:' train .
printf '1 0:1\n-1 1:1\n' >zero.svm
refused 'zero.svm:1:3' train zero.svm --index-base 1
printf '1 1:1\n1 2:1\n' >one_class.svm
refused 'one_class.svm: one label only' train one_class.svm --model kept.model --report kept.json
printf '1 1:1\n2 2:1\n3 1:1\n' >three.svm
refused 'three.svm: 3 different labels (1, 2, 3)' train three.svm --model kept.model
awk 'BEGIN { for (i = 1; i <= 200; ++i) print i / 8, i % 7 + 1 ":1" }' >quantities.svm
refused 'quantities.svm: more than 100 different labels (0.125, 0.25, 0.375, ...): two-class objectives need two;' train quantities.svm
refused 'or --objective least_squares, if they are quantities' train quantities.svm
refused '200 different labels of 200 samples, expected classes of several each: is this regression, for --objective least_squares?' train quantities.svm --objective softmax
silent train three.svm --objective one_vs_rest_logistic --quiet
printf '1\n-1\n' >no_columns.svm
refused 'no_columns.svm: no columns' train no_columns.svm
printf '1 1:1\n-1 4294967294:1\n' >wide.svm
# A sanitizer needs more memory than that; it also aborts when oneTBB loads its NUMA support.
# shellcheck disable=SC3045 # where there is no such limit, there are no such cases
if (ulimit -v 8000000 && "$program" --version) >/dev/null 2>&1; then plain=yes; else plain=no; fi
if [ $plain = yes ]; then
  refused 'not enough memory to train on 2 rows, 4294967294 columns' train wide.svm
fi

ends 0 generate good.svm --rows 2000 --columns 500 --nonzeros 20
refused 'numa_nodes = 99: this machine has ' train good.svm --numa 99
refused 'core_type = 99: this machine has ' train good.svm --core-type 99
gzip -c good.svm >good.svm.gz
head -c 3000 good.svm.gz >short.svm.gz
{ head -c 3000 good.svm.gz; printf 'XXXX'; tail -c +3005 good.svm.gz; } >flipped.svm.gz
refused 'short.svm.gz' train short.svm.gz --model kept.model
refused 'flipped.svm.gz' train flipped.svm.gz --model kept.model

# --- Flags that cannot be ------------------------------------------------------------------------------------------------

# message | arguments
while IFS='|' read -r fragment arguments; do
  # shellcheck disable=SC2086 # several words on purpose
  refused "$fragment" $arguments
done <<'TABLE'
A subcommand is required (see sounder --help)|
unexpected argument trian, did you mean train? (see sounder --help)|trian
unexpected argument cosine (see sounder --help)|cosine
unexpected argument --normalise, did you mean --normalize? (see sounder train --help)|train good.svm --normalise
unexpected argument --lr, did you mean --step? (see sounder train --help)|train good.svm --lr 0.1
unexpected argument --lr=1, did you mean --step?|train good.svm --lr=1
unexpected argument --C, did you mean --l2, which is 1 / (C n)?|train good.svm --C 1
unexpected argument -o, did you mean --model?|train good.svm -o kept.model
unexpected argument -o, did you mean --output?|predict kept.model good.svm -o labels.txt
unexpected argument --l2, did you mean --l2s?|tune good.svm --l2 1
word_embedding, did you mean logistic?|train good.svm --objective logistc
unexpected argument --frob (see sounder train --help)|train good.svm --frob 3
--numa = -3: must be any, all, or nodes such as 0,1|train good.svm --numa -3
--numa = 0,0: 0 is there twice|train good.svm --numa 0,0
numa_nodes = all: every round of the discipline reproducible|train good.svm --numa all --discipline reproducible
threads_per_core = -1: must be >= 0|train good.svm --threads-per-core -1
DATA is required|train
DATA is required (see sounder predict --help)|predict kept.model
unexpected argument more|train good.svm more
--model|train good.svm --model
found --quiet|train good.svm --model --quiet
--epochs = many: must be a whole number|train good.svm --epochs many
--seed = -1: must be a whole number from 0|train good.svm --seed -1
--l2 = nan: must be a finite number|train good.svm --l2 nan
--target = 1e400: must be a finite number|train good.svm --target 1e400
l2 = -1: must be >= 0|train good.svm --l2 -1
step = 0: must be > 0|train good.svm --step 0
epochs = 0: must be >= 1|train good.svm --epochs 0
time_limit = 0: must be > 0|train good.svm --time-limit 0
threads = -2: must be|train good.svm --threads -2
threads = -2: must be|evaluate kept.model good.svm --threads -2
tau = 1: must be >= block_rows = 5|train good.svm --tau 1 --block 5
objective = cosine: must be one of hinge|train good.svm --objective cosine
--schedule = sometimes: must be one of auto, anneal|train good.svm --schedule sometimes
--index-base: 2 not in {0,1}|train good.svm --index-base 2
--rule = adam: must be one of sgd|train good.svm --rule adam
--discipline = polite: must be one of atomic, lock_free|train good.svm --discipline polite
l1 = -1: must be >= 0|train good.svm --l1 -1
gap = 2: must be >= 0 and < 1|train good.svm --gap 2
rule = sgd: cannot minimise with l1 > 0; for hinge take adagrad or ftrl|train good.svm --l1 1
rule = sgd: cannot minimise with l1 > 0; for hinge take adagrad or ftrl|tune good.svm --l1 1
rule = sgd: cannot minimise with l1 > 0; for logistic take svrg, saga, adagrad or ftrl|train good.svm --l1 1 --objective logistic
rule = sgd: has no duality gap|train good.svm --gap 0.1
average_from = 31: must be 0|train good.svm --average-from 31
simulate = 4: runs on one thread|train good.svm --simulate 4 --threads 2
simulate = 4: takes the atomic discipline|train good.svm --simulate 4 --discipline racy
unexpected argument --discipline|speedup good.svm --discipline racy
--disciplines = polite: must be one of|speedup good.svm --disciplines polite
--disciplines = racy,racy: racy is there twice|speedup good.svm --disciplines racy,racy
--disciplines = racy,: an item of the list is empty|speedup good.svm --disciplines racy,
--disciplines = racy:0: blocks must have|speedup good.svm --disciplines racy:0
--threads|speedup good.svm --threads=
--threads = 0: must be >= 1|speedup good.svm --threads 0
--threads = -1: must be >= 1|speedup good.svm --threads 1,-1
--threads = 2,1,2: 2 is there twice|speedup good.svm --threads 2,1,2
--threads = many: must be a whole number|speedup good.svm --threads many
threads = 1025: must be|speedup good.svm --threads 1025
--simulate = 0: must be >= 1|speedup good.svm --simulate 0
simulate = 65537: must be|speedup good.svm --simulate 65537
--simulate = none: must be a whole number|speedup good.svm --simulate none,4
--target = nan: must be a finite number|speedup good.svm --target nan
--target and --above contradict|speedup good.svm --target 1 --above 2
--above = -1: must be >= 0|speedup good.svm --above -1
--repeat = 0: must be >= 1|speedup good.svm --repeat 0
epochs = 0: must be >= 1|speedup good.svm --epochs 0
rule = svrg: does not suit|speedup good.svm --rule svrg --quiet
measure: simulated staleness|train good.svm --measure --simulate 4 --quiet
measure: under exclusive|train good.svm --measure --discipline exclusive --quiet
measure: under reproducible|train good.svm --measure --discipline reproducible --quiet
measure: what sparsify holds back|train good.svm --measure --sparsify top_k --quiet
--measure tells about one run|train good.svm --measure --folds 2
--hot = 0: must be > 0 and <= 1|inspect good.svm --hot 0
--accuracy = 0: must be > 0|inspect good.svm --accuracy 0
--hottest = -1: must be a whole number|inspect good.svm --hottest -1
good.svm: named twice|inspect good.svm --json good.svm
nowhere/x: cannot|inspect good.svm --plot nowhere/x
one_class.svm: one label only|speedup one_class.svm
new.json: named twice|speedup good.svm --report new.json --plot ./new.json
good.svm: named twice|speedup good.svm --plot good.svm
--l2|train good.svm --l2 1 --l2 2
huber_delta = 0|train good.svm --objective huber --huber-delta 0
huber_delta = 2: is no parameter of the objective hinge|train good.svm --huber-delta 2
schedule = auto: has no decay to set; take geometric or backoff|train good.svm --decay 0.5
schedule = anneal: has no accuracy to set; take theorem|train good.svm --schedule anneal --accuracy 0.1
schedule = theorem: needs an accuracy > 0|train good.svm --schedule theorem
accuracy = 0: must be > 0|train good.svm --schedule theorem --accuracy 0
schedule = theorem: needs l2 > 0|train good.svm --schedule theorem --accuracy 0.1 --l2 0
schedule = theorem: works out the step itself|train good.svm --schedule theorem --accuracy 0.1 --step 1
keep = 0: must be > 0 and <= 1|train good.svm --sparsify top_k --keep 0
--keep is the share that --sparsify|train good.svm --keep 0.5
--keep is the share that --sparsify|tune good.svm --keep 0.5
--sparsify = some: must be one of none, top_k, random_k|train good.svm --sparsify some
sparsify = random_k: tears apart|train good.svm --objective logistic --rule saga --sparsify random_k
sparsify = top_k: the discipline exclusive|train good.svm --discipline exclusive --sparsify top_k
--patience needs a --tolerance|train good.svm --patience 2
--positive-above and --positive-class contradict|train good.svm --positive-above 1 --positive-class 2
--positive-above needs an objective for two classes|train good.svm --objective huber --positive-above 1
--positive-class needs an objective for two classes|train good.svm --objective least_squares --positive-class 1
--class-weights = 1: must be balanced, or classes, each with a weight above 0|train good.svm --class-weights 1
--class-weights = 1:0: must be balanced|train good.svm --class-weights 1:0
--class-weights = x:1: must be balanced|train good.svm --class-weights x:1
--class-weights = 1:2,1:3: 1:3 is there twice|train good.svm --class-weights 1:2,1:3
--class-weights needs an objective for classes|train good.svm --objective huber --class-weights balanced
good.svm: found no class 7 to weigh, expected one of -1, 1|train good.svm --class-weights 7:2
zero.svm:1: found "|train good.svm --sample-weights zero.svm
good.svm: named twice|train zero.svm --sample-weights good.svm --report good.svm
good.svm: named twice|train zero.svm --start good.svm --model good.model --report good.svm
good.svm: not a sounder model|train good.svm.gz --start good.svm
--start may have seen the samples|train good.svm --start kept.model --folds 3
--ignore-unknown needs --valid|train good.svm --ignore-unknown
new.json: named twice|train good.svm --model new.json --report new.json
good.svm: named twice|train good.svm --model ./good.svm
good.svm: named twice|train zero.svm --valid good.svm --report good.svm
kept.model: named twice|evaluate kept.model good.svm --report kept.model
new.txt: named twice|predict kept.model good.svm --output new.txt --report new.txt
good.svm: named twice|info good.svm --json good.svm
info needs a FILE|info
--smoothness = 1e+300: must be >= 0 and <= 1e+20|segment photo.png --seeds seeds.png --output new.png --smoothness 1e300
--top = 0: must be >= 1|evaluate kept.model good.svm --top 0
rows = 0: must be > 0|generate new.svm --rows 0
rows = 9223372036854775807: must be <= |generate new.svm --rows 9223372036854775807
noise = 2: must be <= 1|generate new.svm --noise 2
TABLE

# --- Outputs that cannot be written -------------------------------------------------------------------------------------

# message | arguments
while IFS='|' read -r fragment arguments; do
  # shellcheck disable=SC2086 # several words on purpose
  refused "$fragment" $arguments
done <<'TABLE'
kept.json/x: cannot|train good.svm --model kept.json/x
nowhere/x: cannot|train good.svm --report nowhere/x
nowhere/x: cannot|generate nowhere/x
nowhere/x: cannot|speedup good.svm --epochs 100000000 --report nowhere/x
nowhere/x: cannot|speedup good.svm --epochs 100000000 --plot nowhere/x
.: cannot|train good.svm --model .
/dev/full: cannot write: No space left|train good.svm --model /dev/full --quiet
/dev/full: cannot write: No space left|train good.svm --report /dev/full --quiet
/dev/full: cannot write: No space left|generate /dev/full
TABLE
"$program" info good.svm >/dev/full 2>"$err"
check 'info >/dev/full: exit code' [ $? -eq 2 ]

(ulimit -f 1; exec "$program" train good.svm --quiet --epochs 1 --model big.model) >"$out" 2>"$err"
check 'a file beyond the limit of the shell: exit code' [ $? -eq 2 ]
check 'and why' grep -q 'big.model: cannot write: File too large' "$err"
check 'and nothing is left of it' [ "$(echo big.model*)" = 'big.model*' ]

check 'refusals left the old files alone' [ "$(cat kept.model kept.json | uniq -c | tr -d ' ')" = 2precious ]

# --- What looks like another kind of data -------------------------------------------------------------------------------

printf '1\t242\t3\n2\t5\t4\n' >stars.tsv
printf '2\n3\n2\n1 2 1\n2 3 4\n' >bag.txt
printf 'p max 2 1\nn 1 s\nn 2 t\na 1 2 3\n' >net.max
printf '1 |f a:1 b:2\n' >vowpal.txt
refused 'found "242", expected index:value (a whole number, a colon, a number); it looks like ratings, for --objective matrix_completion' train stars.tsv
refused 'or a table: sounder reads LIBSVM text, "label column:value ..."' train stars.tsv
printf 'price,size,rooms,age,floor\n1,2,3,4,5\n' >table.csv
for command in train info; do refused 'it looks like a table: sounder reads LIBSVM text, "label column:value ..."' $command table.csv; done
printf 'price,size,rooms\n1,2,3\n' >table.csv
ends 0 info table.csv
check 'info says what else it may be' grep -q '^note  *or a table: sounder reads LIBSVM text' "$out"
refused 'it looks like a bag of words, for --objective topic_model' train bag.txt
refused 'it looks like a network, for sounder cut' train net.max
refused "it looks like Vowpal Wabbit's text" train vowpal.txt

finish
