#!/bin/sh
# Samples of unequal weight, and models to go on from.
#   samples_test.sh PROGRAM
# shellcheck source=test/cli.sh
. "$(dirname "$0")/cli.sh"

ends 0 generate good.svm --rows 2000 --columns 500 --nonzeros 20

# --- Weights ----------------------------------------------------------------------------------------------------------

# One class counts five times: as if its rows were there five times.
awk '{ print; if ($1 > 0) for (k = 0; k < 4; ++k) print }' good.svm >five.svm
awk '{ print ($1 > 0 ? 5 : 1) }' good.svm >five.weights
silent train five.svm --objective logistic --l2 1e-3 --quiet --report five.json
for weights in '--class-weights 1:5' '--class-weights 1:10,-1:2' '--sample-weights five.weights'; do
  # shellcheck disable=SC2086 # two words on purpose
  silent train good.svm --objective logistic --l2 1e-3 --quiet --model five.model --report weighted.json $weights
  check "$weights: objective" \
    between 0.999 "$(number weighted.json objective) / $(number five.json objective)" 1.001
  silent evaluate five.model good.svm --quiet --report evaluated.json
  check "$weights: others count the same" between 0.5 "$(number evaluated.json accuracy)" 0.999
done
check 'the report has the weights' grep -qF '"sample_weights": "five.weights"' weighted.json
awk '$1 > 0 && NR % 10 { next } { print }' good.svm >few.svm
for weights in '' '--class-weights balanced'; do
  # shellcheck disable=SC2086 # two words on purpose
  silent train few.svm --l2 1e-2 --quiet --model few.model $weights
  ends 0 predict few.model few.svm
  grep -c '^1$' "$out" >"few${weights:+.balanced}"
done
check 'balanced classes are both predicted' between "$(cat few) + 1" "$(cat few.balanced)" 1000
silent train few.svm --class-weights balanced --folds 3 --quiet --report folds.json
ends 0 tune few.svm --class-weights balanced --l2s 1e-2,1e-3 --epochs 3 --quiet --report tuned.json
check 'the command has the weights' grep -qF -- '--class-weights balanced' tuned.json
ends 0 inspect few.svm --class-weights balanced --json inspected.json
ends 0 speedup few.svm --class-weights balanced --epochs 1 --repeat 1 --simulate none --threads 1 --quiet --report speedup.json
for report in folds tuned inspected speedup; do
  check "$report names the weights" grep -qF '"class_weights": "balanced"' "$report.json"
done
# Classes are the file's, also where a rule makes two of many.
printf '1 1:1 2:1\n1 1:2\n2 2:1\n3 1:-1\n4 2:-1\n4 1:-2\n' >four.svm
four() {
  silent train four.svm --objective logistic --bias --l2 1 --rule svrg --epochs 200 --quiet --model four.model "$@"
  ends 0 info four.model --weights -
  bias=$(sed -n 's/^bias.//p' "$out")
}
four --positive-above 2 --class-weights 1:100
check 'a class of the negatives weighs' between -100 "$bias" -1
four --positive-above 2 --class-weights 4:100
check 'a class of the positives weighs' between 1 "$bias" 100
four --positive-class 4 --class-weights +3:100,4:1
check 'one of the others weighs' between -100 "$bias" -1
refused 'four.svm: found no class 5 to weigh, expected one of 1, 2, 3, 4' train four.svm --positive-above 2 --class-weights 5:2
refused 'four.svm: found a weight of 1e+300 for a sample of the class 4' train four.svm --positive-above 2 --class-weights 4:1e300
printf '1\n0\n0\n0\n0\n0\n' >one.weights
refused 'four.svm: without fold ' train four.svm --objective least_squares --sample-weights one.weights --folds 3
silent convert good.svm good.blocks --quiet
refused 'a block file has no place for weights' train good.blocks --class-weights balanced

# --- Columns of different scales ---------------------------------------------------------------------------------------

awk 'BEGIN { srand(1); for (i = 0; i < 1000; ++i) { a = rand(); b = rand(); c = rand()
     print (a + b + c > 1.5 ? 1 : -1), "1:" a, "2:" 300 * b, "3:" 100000 * c } }' >uneven.svm
ends 0 train uneven.svm --objective logistic --bias
check 'a run tells of small columns' grep -q '^note: 6. % of the values are in columns a hundred times smaller' "$out"
ends 0 train uneven.svm --objective logistic --bias --scale-columns --valid uneven.svm --report even.json --model even.model
check 'scaled, there is nothing to tell' [ -z "$(grep '^note' "$out")" ]
check 'and all columns count' between 0.97 "$(number even.json accuracy)" 1
ends 0 evaluate even.model uneven.svm --quiet --report raw.json
check 'the model is for columns as they come' \
  between 0.999 "$(number raw.json loss) / $(awk '/"validation": {/ { on = 1 } on && /"loss"/ { print $2 + 0; exit }' even.json)" 1.001
refused 'even.model: found a model for columns as they come, which --scale-columns contradicts' train uneven.svm --objective logistic --start even.model --scale-columns
ends 0 tune uneven.svm --objective logistic --bias --l2s 1e-4,1e-5 --epochs 2 --report tuned.json
check 'tune tells of small columns as well, once' [ "$(grep -c '^note: 6. % of the values' "$out")" -eq 1 ]
has_keys tuned.json note
awk '{ sub(/^2:/, "", $3); $3 = "2:" $3 * 1e-41; print }' uneven.svm >tiny.svm
refused 'tiny.svm: found values of 3e-39 at most in column 2, expected one of 1e-30 or more' train tiny.svm --objective logistic --scale-columns --model new.model
awk '{ print $1 * 1e38, $2, "2:1e-3" }' uneven.svm >huge.svm
refused 'huge.svm: found a weight beyond what a float holds for column 2 as it comes' train huge.svm --objective least_squares --bias --scale-columns --quiet --model new.model
ends 1 tune huge.svm --objective squared_epsilon_insensitive --scale-columns --steps 1e38 --quiet
check 'candidates that all diverge leave no weights to scale back' grep -q 'all candidates diverged' "$err"
refused '--scale-columns is not kept in a block file' convert uneven.svm uneven.blocks --scale-columns
refused '--scale-columns needs samples, found a block file' train good.blocks --scale-columns

# --- A model to go on from ---------------------------------------------------------------------------------------------

silent train good.svm --objective logistic --normalize --quiet --model begun.model --report begun.json
ends 0 train good.svm --objective logistic --start begun.model --epochs 3 --quiet --report on.json
check 'from a model on it gets no worse' between 0 "$(number on.json objective) / $(number begun.json objective)" 1.002
check 'rows are scaled as for the model' [ "$(number on.json normalize)" = true ]
cp begun.model again.model
silent train good.svm --objective logistic --start again.model --epochs 3 --threads 1 --quiet --model again.model
silent train good.svm --objective logistic --start again.model --epochs 1 --threads 1 --quiet --model ./again.model
check 'the report says which schedule it was' grep -q '^  "schedule": "anneal"' on.json
silent train good.svm --valid-share 0.25 --epochs 3 --threads 1 --quiet --model part.model --report part.json
check 'a quarter is held out' [ "$(number part.json samples)" -eq "$(($(grep -c . good.svm) * 3 / 4))" ]
check 'what is held out is evaluated' grep -q '^  "validation": {' part.json
refused '--valid and --valid-share contradict each other' train good.svm --valid good.svm --valid-share 0.1
head -n 1 good.svm >one.svm
refused 'one.svm: found one sample, expected two to hold one out' train one.svm --objective least_squares --valid-share 0.5
refused '--valid-share = 1: must be > 0 and < 1' train good.svm --valid-share 1
refused 'leave out --model, --valid and --valid-share' train good.svm --valid-share 0.1 --folds 3
{ grep '^1 ' good.svm | head -n 20; echo '1 600:1'; } >positive.svm
silent train positive.svm --objective logistic --start begun.model --quiet --model on.model
ends 0 predict on.model positive.svm
check 'classes are those of the model' [ "$(sort -u "$out")" = 1 ]
ends 0 info on.model
check 'columns may be added' grep -q '600' "$out"
awk 'BEGIN { for (i = 0; i < 60; ++i) print i % 5, (i % 5 > 2 ? "1" : "2") ":1" }' >stars.svm
silent train stars.svm --objective logistic --positive-above 2 --quiet --model stars.model
silent train stars.svm --objective logistic --start stars.model --quiet --model starred.model
ends 0 evaluate starred.model stars.svm  # by the rule that the first one was given
refused 'begun.model: found a model of logistic, which --objective hinge contradicts' train good.svm --start begun.model
refused 'begun.model: found a model whose first column is 1' train good.svm --objective logistic --start begun.model --index-base 0
sed 's/^1/2/' good.svm >two.svm
silent train two.svm --objective logistic --quiet --model two.model
refused 'positive.svm:1: the label is 1, expected' train positive.svm --objective logistic --start two.model
refused 'start: the rule sdca' train good.svm --objective logistic --rule sdca --start begun.model
silent convert good.svm begun.blocks --objective logistic --normalize --quiet
silent train begun.blocks --objective logistic --start begun.model --epochs 3 --quiet --report on.json
check 'a block file goes on, too' between 0 "$(number on.json objective) / $(number begun.json objective)" 1.002
silent convert good.svm raw.blocks --objective logistic --quiet
refused 'raw.blocks: found other lengths of rows than those of begun.model' train raw.blocks --objective logistic --start begun.model

finish
