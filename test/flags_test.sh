#!/bin/sh
# What flags do together: outputs that would overwrite, standard output, flags that would have no effect, what help says.
#   flags_test.sh PROGRAM
# shellcheck source=test/cli.sh
. "$(dirname "$0")/cli.sh"

ends 0 generate good.svm --rows 300 --columns 50 --nonzeros 5
ends 0 train good.svm --epochs 2 --threads 1 --model good.model --quiet

# --- No output overwrites what else is named --------------------------------------------------------------------------

files_of() {
  sounder "$1" --help
  sed -n 's/^ *\(--[a-z-]*\) FILE[ =].*/\1/p' "$out"
}

echo precious >same.txt
# outputs | arguments
while IFS='|' read -r outputs arguments; do
  files=$(files_of "${arguments%% *}")
  for output in $outputs; do
    check "$arguments: $output is in its help" [ "$(echo "$files" | grep -cx -e "$output")" -eq 1 ]
    for other in $files; do
      [ "$output" = "$other" ] && continue
      case "${arguments%% *} $other" in
        'topics --documents' | 'topics --output') continue ;;  # not with --json
        'train --start') [ "$output" = --model ] && continue ;;  # which it may replace
      esac
      case $other in
        --vocabulary) needs='--objective topic_model' ;;
        --valid-labels) needs='--valid good.svm' ;;
        *) needs= ;;
      esac
      # shellcheck disable=SC2086 # several words on purpose
      refused 'same.txt: named twice' $arguments "$output" same.txt "$other" same.txt $needs
    done
  done
done <<'TABLE'
--model --report|train good.svm
--model --report|tune good.svm
--report --plot|speedup good.svm
--json --plot|inspect good.svm
--report|evaluate good.model good.svm
--report --output|predict good.model good.svm
--json|topics good.model
--json --export|similar good.model
--labels --report|cut flow.max
TABLE
refused 'same.txt: named twice' topics good.model --documents same.txt --output same.txt
refused 'same.txt: named twice' segment photo.png --seeds same.txt --output same.txt
refused 'same.txt: named twice' segment photo.png --seeds seeds.png --output same.txt --report same.txt

# --- Standard output takes one output, and nothing else -----------------------------------------------------------------

# message | arguments
while IFS='|' read -r fragment arguments; do
  # shellcheck disable=SC2086 # several words on purpose
  refused "$fragment" $arguments
done <<'TABLE'
-: named twice|train good.svm --model - --report -
-: named twice|speedup good.svm --report - --plot -
-: named twice|inspect good.svm --json - --plot -
-: named twice|similar good.model word --json - --export -
-: named twice|cut flow.max --labels - --report -
-: named twice|segment photo.png --seeds seeds.png --output - --report -
--report - needs --output FILE|predict good.model good.svm --report -
--report - needs --output FILE|predict good.model good.svm --report - --output -
-: blocks cannot go to standard output|convert good.svm -
/dev/null: blocks go to a regular file only|convert good.svm /dev/null --quiet
TABLE

# Nothing on standard output but JSON, and what people read on standard error, in this many lines at least.
apart() {
  lines=$1
  shift
  ends 0 "$@"
  check "sounder $*: JSON alone" [ "$(head -c 1 "$out")$(tail -n 1 "$out")$(grep -c '^}' "$out")" = '{}1' ]
  check "sounder $*: a summary on standard error" [ "$(grep -vc '^best: epoch\|^epoch\|^round' "$err")" -ge "$lines" ]
}
apart 3 train good.svm --epochs 2 --report -
apart 3 train good.svm --epochs 2 --folds 2 --report -
apart 3 tune good.svm --epochs 2 --report -
apart 3 speedup good.svm --epochs 2 --repeat 1 --disciplines atomic --threads 1 --simulate none --report -
apart 1 evaluate good.model good.svm --report -
apart 1 predict good.model good.svm --report - --output labels.txt
printf 'p max 4 5\nn 1 s\nn 4 t\na 1 2 3\na 1 3 2\na 2 3 1\na 2 4 2\na 3 4 3\n' >flow.max
apart 1 cut flow.max --report -
ends 0 cut flow.max --labels -
check 'sides alone' [ "$(grep -cx '[st]' "$out") $(wc -l <"$out")" = '4 4' ]

ends 0 train good.svm --epochs 2 --threads 1 --model -
check 'the model alone' cmp -s "$out" good.model
ends 0 tune good.svm --epochs 2 --model -
check 'the best model alone' [ "$(head -c 13 "$out")" = 'sounder model' ]
{ printf 'P5 16 16 255\n'; awk 'BEGIN { for (i = 0; i < 256; ++i) printf "%s", (i % 16 > 7) ? "w" : "0" }'; } >photo.pgm
awk 'BEGIN { print "P3 16 16 255"; for (i = 0; i < 256; ++i)
  print (i == 140) ? "0 255 0" : (i == 17) ? "255 0 0" : "0 0 0" }' >seeds.ppm
ends 0 segment photo.pgm --seeds seeds.ppm --output -
check 'the mask alone' [ "$(head -c 4 "$out" | tail -c 3)$(tail -c 8 "$out" | head -c 4)" = PNGIEND ]
check 'no file is named -' [ ! -e ./- ]

# --- A flag without a value takes none -----------------------------------------------------------------------------------

refused 'bias was given a disallowed flag override' train good.svm --bias=false
refused 'normalize was given a disallowed flag override' tune good.svm --normalize=false
refused 'regression was given a disallowed flag override' generate new.svm --regression=false

# --- Flags that would have no effect --------------------------------------------------------------------------------------

printf 'a,x,1\na,y,2\nb,x,3\nb,y,5\n' >ratings.txt
printf '2\n3\n4\n1 1 2\n1 2 1\n2 2 1\n2 3 4\n' >bag.txt
silent train ratings.txt --objective matrix_completion --rank 2 --quiet --model ratings.model
silent train bag.txt --objective topic_model --topics 2 --quiet --model topics.model

# message | arguments
while IFS='|' read -r fragment arguments; do
  # shellcheck disable=SC2086 # several words on purpose
  refused "$fragment" $arguments
done <<'TABLE'
--vocabulary is for a bag of words: hinge takes LIBSVM text or images|train good.svm --vocabulary nofile
--vocabulary is for a bag of words: hinge takes|tune good.svm --vocabulary nofile
--vocabulary is for LIBSVM text or images, or a bag of words: word_embedding|inspect good.svm --objective word_embedding --vocabulary nofile
--min-count is for a text: hinge takes|train good.svm --min-count 3
--min-count is for a text: hinge takes|inspect good.svm --min-count 3
--window is for a text: matrix_completion takes ratings|train ratings.txt --objective matrix_completion --window 3
--most-words is for a text: topic_model takes a bag of words|train bag.txt --objective topic_model --most-words 9
--valid-labels needs --valid|train good.svm --valid-labels nofile
--valid-labels needs --valid|tune good.svm --valid-labels nofile
--valid-labels is for LIBSVM text or images|train ratings.txt --objective matrix_completion --valid ratings.txt --valid-labels nofile
--ignore-unknown is for LIBSVM|train ratings.txt --objective matrix_completion --valid ratings.txt --ignore-unknown
--labels is for LIBSVM text or images: matrix_completion takes ratings|train ratings.txt --objective matrix_completion --labels nofile
--index-base is for LIBSVM|train ratings.txt --objective matrix_completion --index-base 1
--normalize is for LIBSVM|train ratings.txt --objective matrix_completion --normalize
--scale-columns is for LIBSVM|train ratings.txt --objective matrix_completion --scale-columns
--sample-weights is for LIBSVM|train ratings.txt --objective matrix_completion --sample-weights nofile
--start is for LIBSVM|train ratings.txt --objective matrix_completion --start nofile
--labels is for LIBSVM|train bag.txt --objective topic_model --labels nofile
--normalize is for LIBSVM|speedup bag.txt --objective topic_model --normalize
ratings.model: --labels is for LIBSVM text or images: matrix_completion takes|predict ratings.model ratings.txt --labels nofile
ratings.model: --index-base is for|evaluate ratings.model ratings.txt --index-base 0
ratings.model: --ignore-unknown is for|predict ratings.model ratings.txt --ignore-unknown
topics.model: --ignore-unknown is for|evaluate topics.model bag.txt --ignore-unknown
topics.model: found a model of topic_model, which has no margins|predict topics.model bag.txt --margins
rule = sdca: has no step for the schedule geometric to change|train good.svm --rule sdca --schedule geometric --decay 0.5
TABLE
ends 0 predict ratings.model ratings.txt --margins
ends 0 predict topics.model bag.txt

# --- One of a thing ----------------------------------------------------------------------------------------------------

printf '1 1:1\n-1 2:1\n' >two.svm
printf '1 1:1\n' >one.svm
ends 0 convert two.svm two.blocks --block 2
check 'one block' grep -qx '2 rows, 2 columns and 2 non-zeros in 1 block of 2 rows, .* MB' "$out"
ends 0 train two.svm --epochs 1 --threads 1 --model two.model
check 'one epoch' grep -q ' after 1 epoch; .* on 1 thread,' "$out"
ends 0 evaluate two.model one.svm
check 'one sample' grep -q ', 1 sample$' "$out"
ends 0 predict two.model one.svm --output one.txt
check 'one prediction' grep -q '1 prediction in one.txt' "$out"

# --- A file whose name begins with a dash --------------------------------------------------------------------------------

cp good.svm ./-dash.svm
silent train --epochs 1 --quiet -- -dash.svm
refused 'unexpected argument --epochs' train -- -dash.svm --epochs 1
refused 'unexpected argument -dash.svm' train -dash.svm

# --- Numbers, or a word --------------------------------------------------------------------------------------------------

# message | arguments
while IFS='|' read -r fragment arguments; do
  # shellcheck disable=SC2086 # several words on purpose
  refused "$fragment" $arguments
done <<'TABLE'
--threads = abc: must be auto or a whole number from 1 to|train good.svm --threads abc
--core-type = abc: must be any or a whole number from 0 to|train good.svm --core-type abc
--threads-per-core = x: must be all or a whole number from 1 to|info good.svm --threads-per-core x
--block = -1: must be auto or a whole number from 1 to|train good.svm --block -1
--average-from = 1.5: must be never or a whole number from 1 to|train good.svm --average-from 1.5
--folds = x: must be none or a whole number|train good.svm --folds x
--folds = 1: must be none or >= 2|train good.svm --folds 1
--epochs is given more than once|train good.svm --epochs 1 --epochs 2
--step = x: must be auto or a number > 0|train good.svm --step x
TABLE
ends 0 train good.svm --epochs 1 --quiet --threads auto --core-type any --threads-per-core all --numa any --block auto \
  --refresh auto --tau auto --simulate no --average-from never --folds none --step auto

# --- Defaults are the objective's own ------------------------------------------------------------------------------------

for command in train tune speedup inspect; do
  ends 0 "$command" --help
  check "$command --help states no default for all objectives" [ "$(grep -cE -e '--(l2|epochs|rule) [A-Z]+=' "$out")" -eq 0 ]
  check "$command --help lists defaults" grep -qF '[rule adagrad, l2 0, 20 epochs]' "$out"
done

ends 0 train --help
cp "$out" help.txt
ends 0 help train
check 'help COMMAND is COMMAND --help' cmp -s "$out" help.txt
for words in 'Dirichlet prior of words in a topic' "GloVe's x_max" 'for text, not for tables' 'no model is kept'; do
  check "train --help says '$words'" [ "$(tr -s ' \n' '  ' <help.txt | grep -cF -e "$words")" -eq 1 ]
done
ends 0 help
check 'help alone lists the commands' grep -q '^  train  *Train a model' "$out"

# l2s_of OBJECTIVE DATA: what tune tries.
l2s_of() {
  silent tune "$2" --objective "$1" --epochs 1 --threads 1 --quiet --report tuned.json
  sed -n '/ranking/,$s/^ *"l2": \([^,]*\),*$/\1/p' tuned.json | sort -g | tr '\n' ' '
}
check 'l2 of a linear objective' [ "$(l2s_of logistic good.svm)" = '1e-06 1e-05 0.0001 0.001 0.01 ' ]
check 'l2 of ratings' [ "$(l2s_of matrix_completion ratings.txt)" = '0.00035 0.0035 0.035 0.35 3.5 ' ]
check 'no l2 of topics' [ "$(l2s_of topic_model bag.txt)" = '0.0 ' ]

# --- Where tune stops short ----------------------------------------------------------------------------------------------

ends 0 tune good.svm --l2s 0.1,10 --epochs 3 --report tuned.json
check 'tune says where to go on' grep -q '^note: the best l2 is the smallest tried: try --l2s 0.1,0.001,1e-05$' "$out"
check 'and reports it' grep -q '"note": "the best l2 is the smallest tried' tuned.json
ends 0 tune good.svm --l2s 10 --epochs 3
check 'one l2 has no edge' [ "$(grep -c '^note' "$out")" -eq 0 ]

finish
