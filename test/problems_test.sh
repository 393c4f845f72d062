#!/bin/sh
# The problems that are not LIBSVM text, from file to answer: ratings, cuts, photos, bags of words, digits, text.
#   problems_test.sh PROGRAM
# shellcheck source=test/cli.sh
. "$(dirname "$0")/cli.sh"

# --- Ratings --------------------------------------------------------------------------------------------------------

awk 'BEGIN { srand(1); for (u = 1; u <= 60; ++u) for (i = 1; i <= 30; ++i) if (rand() < 0.6)
  printf "u%d::i%d::%.1f\n", u, i, 3 + (u % 3 - 1) * (i % 3 - 1) + (rand() - 0.5) / 5 }' >ratings.txt
silent train ratings.txt --objective matrix_completion --rank 4 --quiet --model ratings.model --report ratings.json
has_keys ratings.json rmse mae users items duplicates
silent evaluate ratings.model ratings.txt --quiet --report evaluated.json
check 'rmse of ratings' between 0 "$(number evaluated.json rmse)" 0.4
ends 0 recommend ratings.model --user u1 --top 2
check 'a user and two items' [ "$(wc -l <"$out")" -eq 3 ]
ends 0 recommend ratings.model --user nobody --top 2
silent recommend ratings.model --top 3 --output all.tsv --json all.json
check 'all users have three items each' \
  [ "$(awk -F '\t' 'NF == 3 && $3 + 0 == $3 { ++of[$1] } END { for (u in of) n += of[u] == 3; print n }' all.tsv)" -eq 60 ]
ends 0 recommend ratings.model --user u7 --user u1 --top 3 --output - --threads 1
check 'and the same as if asked one by one' [ "$(cat "$out")" = "$(grep '^u7	' all.tsv; grep '^u1	' all.tsv)" ]
refused 'recommend needs --user NAME' recommend ratings.model --top 3
silent evaluate ratings.model ratings.txt --top 5 --quiet --report ranked.json
has_keys ranked.json precision recall ndcg ranked_users top
check 'nothing new is to be found among training data' [ "$(number ranked.json ranked_users)" = 0 ]
awk -F :: 'NR % 5 { print $1 "::" $2 }' ratings.txt >liked.txt
awk -F :: 'NR % 5 == 0 { print $1 "::" $2 }' ratings.txt >liked.test.txt
silent train liked.txt --objective matrix_completion_one_class --quiet --model liked.model
ends 0 evaluate liked.model liked.test.txt --top 5
check 'pairs without ratings are ranked' grep -q 'precision@5 0[.][0-9]*, recall@5 0[.][0-9]*, ndcg@5 0[.][0-9]* of [0-9]* users' "$out"
refused 'liked.txt:1' train liked.txt --objective matrix_completion
# Likes are what is to be found, however they are written.
awk -F :: 'NR % 5 { print $1 "::" $2 "::" ($3 > 3 ? 5 : 1) }' ratings.txt >stars.txt
awk -F :: 'NR % 5 == 0 { print $1 "::" $2 "::" ($3 > 3 ? 5 : 1) }' ratings.txt >stars.test.txt
for part in '' .test; do sed 's/::1$/::-1/; s/::5$/::1/' stars$part.txt >signs$part.txt; done
silent train signs.txt --objective matrix_completion_logistic --threads 1 --quiet --model signs.model
silent train stars.txt --objective matrix_completion_logistic --positive-above 3 --threads 1 --quiet --model stars.model
for kind in stars signs; do silent evaluate $kind.model $kind.test.txt --top 5 --quiet --report $kind.json; done
check 'stars and signs are ranked alike' [ "$(number stars.json recall)" = "$(number signs.json recall)" ]
check 'few users like what is left' [ "$(number stars.json ranked_users)" -lt 60 ]
printf '1 31 0\n1 3 1\n2 3 1\n' >unliked.txt
refused 'unliked.txt:1: found a rating of 0' train unliked.txt --objective matrix_completion_one_class
printf 'u1::i1\nnobody::i2\nnobody::nothing\n' >pairs.txt
ends 0 predict ratings.model pairs.txt
check 'a prediction a pair' [ "$(wc -l <"$out")" -eq 3 ]
check 'who and what is unknown is told' grep -qF 'pairs.txt: 3 samples, 2 of unknown users, 1 of unknown items' "$err"
cp "$out" "$root/log/predictions"
# shellcheck disable=SC2002 # a pipe on purpose
cat pairs.txt | "$program" predict ratings.model - >"$out" 2>"$err"
check 'pairs from a pipe' cmp "$root/log/predictions" "$out"
refused 'pairs.txt:1:' evaluate ratings.model pairs.txt
printf 'u1::i1::4\nu2::i1\n' >one-missing.txt
refused 'one-missing.txt:2:' evaluate ratings.model one-missing.txt
ends 0 predict ratings.model pairs.txt --quiet
check 'but not where it is to be quiet' [ ! -s "$err" ]
ends 0 predict ratings.model pairs.txt --output told.txt
check 'or with where predictions are' grep -qF 'told.txt, 2 of unknown users, 1 of unknown items' "$out"
ends 0 info ratings.model --weights -
check 'weights of users and items, by name' [ "$(cut -f1 "$out" | sort | uniq -c | tr -s ' \n' ' ')" = ' 30 item 60 user ' ]
ends 0 train ratings.txt --objective matrix_completion --folds 3
check 'three folds and their mean' [ "$(grep -c rmse "$out")" -eq 4 ]

awk -F:: '{ print $1 "::" $2 "::4" }' ratings.txt >equal.txt
printf 'u1,i1,3\nu1,i2\n' >short.txt
refused 'equal.txt: every rating is 4' train equal.txt --objective matrix_completion
printf 'user,item,rating\nu1,i1,3\n\nu2,i2,-2\nu1,i2,1\n' >negative.txt
sed 's/-2/2/' negative.txt >counts.txt
refused 'negative.txt:4: the label is -2, expected a number >= 0' train negative.txt --objective matrix_completion_kl
refused 'negative.txt:4: the label is -2' train counts.txt --objective matrix_completion_kl --valid negative.txt
silent train counts.txt --objective matrix_completion_kl --rank 4 --quiet --model counts.model
refused 'negative.txt:4: the label is -2' evaluate counts.model negative.txt
refused 'short.txt:2:' train short.txt --objective matrix_completion
refused 'rank = 0' train ratings.txt --objective matrix_completion --rank 0
refused 'rank = 1.5' train ratings.txt --objective matrix_completion --rank 1.5
refused 'rule = saga: does not suit' train ratings.txt --objective matrix_completion --rule saga
refused 'is no parameter of the objective hinge' train ratings.txt --rank 4

ends 0 info ratings.txt --json info.json
has_keys info.json format ratings users items duplicates ratings_per_user ratings_per_item values
check 'users' [ "$(number info.json users)" -eq 60 ]
refused 'found ratings' info ratings.txt --index-base 1
printf '1 Toy Story 5\n2 Heat 4\n' >titles.txt
refused 'titles.txt:1:7: found "Story"' train titles.txt --objective matrix_completion

# Names that are not UTF-8.
printf 'jos\351 film 3\nana film 4\njos\351 caf\351 5\nana th\351 1\n' >"lat$(printf '\351').txt"
silent train lat*.txt --objective matrix_completion --rank 2 --quiet --model lat.model --report lat.json
ends 0 recommend lat.model --user ana --include-seen --json -
check 'a name that is no UTF-8 is told' grep -q '"caf.*"' "$out"
ends 0 inspect lat*.txt --objective matrix_completion --json -
ends 0 info lat*.txt --json -

# --- Cuts -------------------------------------------------------------------------------------------------------------

printf 'p max 4 5\nn 1 s\nn 4 t\na 1 2 3\na 1 3 2\na 2 3 1\na 2 4 2\na 3 4 3\n' >flow.max
silent cut flow.max --quiet --report cut.json
has_keys cut.json cut relaxed_energy bound gap seconds
check 'the minimum cut' between 4.999 "$(number cut.json cut)" 5.001
printf 'c\np max 4 3\nn 1 s\nn 4 t\na 1 2 5\na 3 2 2147483647\na 3 4 7\n' >backwards.max
ends 0 cut backwards.max
check 'a one-way arc cut backwards costs nothing' grep -q '^cut 0, the minimum (' "$out"
printf 'p max 4 3\nn 1 s\nn 4 t\na 1 2 1\na 2 3 0.1\na 3 4 1\n' >tenth.max
ends 0 cut tenth.max
check 'the capacity that is cut' grep -q '^cut 0.1, ' "$out"
ends 0 inspect backwards.max
check 'a network behind a comment without a blank' grep -q '; graph_cut' "$out"
ends 0 info flow.max --json info.json
has_keys info.json format nodes arcs edges terminals edges_per_node capacity
check 'nodes' [ "$(number info.json nodes)" -eq 4 ]
sed 's/a 2 3 1/a 2 9 1/' flow.max >beyond.max
sed 's/a 2 3 1/a 2 3 -1/' flow.max >negative.max
grep -v 't$' flow.max >endless.max
refused 'beyond.max:6:' cut beyond.max
refused 'negative.max:6:' cut negative.max
refused 'endless.max' cut endless.max

printf 'p max 2 1\nn 1 s\nn 2 t\na 1 2 5\n' >direct.max
for arguments in 'direct.max' 'flow.max --gap 0'; do
  # shellcheck disable=SC2086 # several words on purpose
  ends 0 cut $arguments
  check "cut $arguments: converged" grep -q '^cut 5, the minimum (.*; converged: ' "$out"
done
sed '/^a/ s/[0-9]*$/1e308/' flow.max >huge.max
refused 'huge.max: found capacities of inf' cut huge.max

# A grey picture with a bright square, and seeds in colours.
{ printf 'P5 16 16 255\n'; awk 'BEGIN { for (i = 0; i < 256; ++i) printf "%s", (i % 16 > 5 && i % 16 < 11 && i > 80 && i < 176) ? "w" : "0" }'; } >photo.pgm
seeds() { { printf 'P3 16 %d 255\n' "$1"; awk -v n="$(($1 * 16))" -v m="$2" 'BEGIN { for (i = 0; i < n; ++i)
  print (i == 136) ? "0 255 0" : (i == 17 && m > 1) ? "255 0 0" : "0 0 0" }'; } >"$3"; }
seeds 16 2 seeds.ppm
seeds 16 1 one.ppm
seeds 15 2 other.ppm
awk 'BEGIN { print "P3 16 16 255"; for (i = 0; i < 256; ++i) print "0 0 0" }' >none.ppm
silent segment photo.pgm --seeds seeds.ppm --output mask.png --quiet
check 'a mask' [ -s mask.png ]
printf '\377\330\377\340broken' >broken.jpg
refused 'none.ppm' segment photo.pgm --seeds none.ppm --output new.png
refused 'one.ppm' segment photo.pgm --seeds one.ppm --output new.png
refused 'other.ppm' segment photo.pgm --seeds other.ppm --output new.png
refused 'broken.jpg' segment broken.jpg --seeds seeds.ppm --output new.png

# --- Bags of words ------------------------------------------------------------------------------------------------------

awk 'BEGIN { for (d = 1; d <= 40; ++d) for (w = 1; w <= 10; ++w) if (d != 7) print d, w + 10 * (d % 2), 1 + (d + w) % 3
  }' >entries
{ printf '40\n20\n%d\n' "$(wc -l <entries)"; cat entries; } >docword.txt
awk 'BEGIN { for (w = 1; w <= 20; ++w) print "word" w }' >vocabulary.txt
silent train docword.txt --objective topic_model --topics 2 --vocabulary vocabulary.txt --quiet --model topics.model \
  --report topics.json
has_keys topics.json perplexity empty_documents
check 'perplexity of two topics of ten words' between 8 "$(number topics.json perplexity)" 12
{ printf '70\n20\n%d\n' "$(wc -l <entries)"; cat entries; } >empty-last.txt
silent train empty-last.txt --objective topic_model --topics 2 --quiet --report empty-last.json
check 'empty documents are no words' between 20 "$(number empty-last.json words)" 20
check 'nor do they change the perplexity' between 8 "$(number empty-last.json perplexity)" 12
awk '$1 <= 20' entries >first
for documents in 20 40; do
  { printf '%d\n20\n%d\n' $documents "$(wc -l <first)"; cat first; } >first.txt
  ends 0 evaluate topics.model first.txt --quiet --report first-$documents.json
done
check 'fewer documents than the model has are its first ones' \
  [ "$(number first-20.json perplexity)" = "$(number first-40.json perplexity)" ]
ends 0 topics topics.model --top 3
check 'words are named' grep -q 'word[0-9]' "$out"
ends 0 topics topics.model --data docword.txt
{ printf '1\n21\n1\n1 21 1\n'; } >other-words.txt
refused 'other-words.txt: found 21 words, expected at most the model'"'"'s 20' topics topics.model --data other-words.txt
ends 0 info docword.txt --json info.json
has_keys info.json format documents words entries tokens words_per_document empty_documents documents_per_word unused_words
check 'empty documents' [ "$(number info.json empty_documents)" -eq 1 ]
ends 0 topics topics.model --documents docword.txt
cp "$out" shares.txt
check 'a line a document, of shares' [ "$(awk 'NF == 2 && $1 + $2 > 0.999 && $1 + $2 < 1.001 { ++n } END { print n }' shares.txt)" -eq 40 ]
check 'odd documents have one topic, even ones the other' \
  [ "$(awk 'NR != 7 { print NR % 2, ($1 > 0.8), ($2 > 0.8) }' shares.txt | sort -u | wc -l)" -eq 2 ]
check 'nothing is known of an empty one' [ "$(sed -n 7p shares.txt)" = '0.5 0.5' ]
ends 0 topics topics.model --documents docword.txt --output again.txt
printf '4294967200\n20\n1\n1 1 1\n' >many.txt
refused 'many.txt: not enough memory for 2 topics of 4294967200 documents' topics topics.model --documents many.txt
refused 'many.txt: not enough memory for 2 topics of 4294967200 documents' \
  evaluate topics.model docword.txt --observed many.txt
check 'the same in a file' cmp -s shares.txt again.txt
ends 0 topics topics.model --json -
has_keys "$out" topics words probability
refused '--output is for' topics topics.model --output new.txt
refused '--top is for' topics topics.model --documents docword.txt --top 3
refused 'which has no margins' predict topics.model docword.txt --margins
head -n 19 vocabulary.txt >fewer.txt
printf '1\n1\n1\n1 2 1\n' >wide.txt
{ head -n 19 vocabulary.txt; printf 'th\351\n'; } >latin.txt
silent train docword.txt --objective topic_model --topics 2 --vocabulary latin.txt --quiet --model latin.model
ends 0 topics latin.model --top 20 --json -
check 'a word that is no UTF-8 is told' grep -q '"th.*"' "$out"
ends 0 inspect docword.txt --objective topic_model --vocabulary latin.txt --json -
refused 'fewer.txt' train docword.txt --objective topic_model --vocabulary fewer.txt
printf '3\n4000000000\n1\n1 2 1\n' >huge.txt
refused 'huge.txt: not enough memory to train on 3 documents and 4000000000 words' train huge.txt --objective topic_model
refused 'wide.txt:4:' train wide.txt --objective topic_model
refused 'l2 = 0.1: must be 0, topic_model' train docword.txt --objective topic_model --l2 0.1
refused 'bias = 1: must be 0, topic_model' train docword.txt --objective topic_model --bias
refused 'topics = 0' train docword.txt --objective topic_model --topics 0
refused 'discipline = exclusive: all samples of topic_model' train docword.txt --objective topic_model --discipline exclusive

# --- Many classes ---------------------------------------------------------------------------------------------------------

awk 'BEGIN { for (i = 0; i < 300; ++i) printf "%d %d:1 %d:%.2f\n", 5 + i % 3, 1 + i % 3, 4 + i % 5, (i % 7) / 7 + 0.1 }' >classes.svm
for objective in softmax one_vs_rest_logistic 'network --hidden 8'; do
  # shellcheck disable=SC2086 # several words on purpose
  silent train classes.svm --quiet --model classes.model --report classes.json --objective $objective
  check "$objective: accuracy" between 0.95 "$(number classes.json accuracy)" 1
  ends 0 predict classes.model classes.svm
  check "$objective: labels come back" [ "$(sort -u "$out" | tr '\n' ' ')" = '5 6 7 ' ]
  cp "$out" predicted.txt
  ends 0 predict classes.model classes.svm --probabilities
  check "$objective: a probability a class, the largest of what is predicted" \
    [ "$(paste -d' ' "$out" predicted.txt | awk '{ b = $($4 - 4); s = $1 + $2 + $3
    if (NF == 4 && s > 0.9999 && s < 1.0001 && b >= $1 && b >= $2 && b >= $3) ++n } END { print n }')" -eq 300 ]
  ends 0 predict classes.model classes.svm --margins
  check "$objective: a score a class, the largest of what is predicted" \
    [ "$(paste -d' ' "$out" predicted.txt | awk '{ b = $($4 - 4); if (NF == 4 && b >= $1 && b >= $2 && b >= $3) ++n } END { print n }')" -eq 300 ]
done
ends 0 info classes.model
silent train classes.svm --quiet --model svms.model --objective one_vs_rest_hinge
ends 0 predict svms.model classes.svm
check 'one_vs_rest_hinge: labels come back' [ "$(sort -u "$out" | tr '\n' ' ')" = '5 6 7 ' ]
refused 'found a model of one_vs_rest_hinge, which has no probabilities' predict svms.model classes.svm --probabilities
printf '5 1:1\n5 2:1\n' >single.svm
printf '9 1:1\n' >strange.svm
refused 'single.svm' train single.svm --objective softmax
refused 'strange.svm' evaluate classes.model strange.svm
refused 'bias = 1: must be 0, network' train classes.svm --objective network --bias
refused 'hidden = 0' train classes.svm --objective network --hidden 0

# Two pictures of two by three, four of whose twelve pixels are not black.
printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\3\1\2\0\0\0\0\0\0\0\0\3\4' >images.idx
ends 0 info images.idx --json info.json
has_keys info.json format images height width nonzero_share
check 'width' [ "$(number info.json width)" -eq 3 ]

# Two weights far above the others, of the same column of two: both are named.
printf '1 1:9\n2 2:0.01\n' >pair.svm
silent train pair.svm --objective softmax --quiet --model pair.model
ends 0 info pair.model --json info.json
has_keys info.json '1\[1]' '1\[2]' '2\[1]' '2\[2]'

# --- Text -------------------------------------------------------------------------------------------------------------------

awk 'BEGIN { for (i = 0; i < 400; ++i) print (i % 2) ? "the cat eats fresh fish today" : "a stock market falls on monday" }' >text.txt
silent train text.txt --objective word_embedding --rank 8 --quiet --model words.model
sed 's/ fish / the fish /' text.txt >again.text.txt
silent train again.text.txt --objective word_embedding --rank 8 --quiet  # words that meet themselves
{ echo "c is the letter"; cat text.txt; } >letter.txt
ends 0 inspect letter.txt --objective word_embedding
ends 0 similar words.model cat --top 3
check 'neighbours' [ "$(wc -l <"$out")" -ge 3 ]
{ cat text.txt; awk 'BEGIN { for (i = 0; i < 50; ++i) print "cat th\351" }'; } >latin.text
silent train latin.text --objective word_embedding --rank 8 --quiet --model latin.words
ends 0 similar latin.words cat --json -
check 'and so is one that is near' grep -q '"th.*"' "$out"
refused 'perhaps' similar words.model perhaps
printf '1 2 3\n' >digits.txt
refused 'digits.txt' train digits.txt --objective word_embedding
refused 'expected a text' train words.model --objective word_embedding --min-count 1

# --- A byte order mark --------------------------------------------------------------------------------------------------

marked() { printf '\357\273\277' | cat - "$1" >"marked.$1"; }
for file in ratings.txt docword.txt flow.max text.txt; do marked "$file"; done
silent train marked.ratings.txt --objective matrix_completion --quiet
silent train marked.docword.txt --objective topic_model --quiet
silent cut marked.flow.max --quiet
silent train marked.text.txt --objective word_embedding --quiet --model marked.model
ends 0 similar marked.model the --top 3

# --- Standard output by other names, and nobody who reads progress ---------------------------------------------------------------

"$program" info words.model --json /dev/fd/1 2>"$err" >fd.json
check 'a stream by another name gets JSON alone' /usr/bin/env sh -c 'tail -n 1 fd.json | grep -qx "}"'
rm -f link there
ln -s there link
refused 'named twice' train text.txt --objective word_embedding --model link --report there
{ "$program" train ratings.txt --objective matrix_completion --epochs 60 --model unread.model >"$out"; } 2>&1 | head -n 1 >/dev/null
check 'a run whose progress nobody reads has its model' [ -s unread.model ]

check 'no temporary file is left' [ "$(echo ./*.tmp*)" = './*.tmp*' ]
finish
