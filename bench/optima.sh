#!/bin/sh
# Objectives reached against exact optima, on the real sets of SOUNDER_DATA: default step, block and schedule, 30 epochs.
# usage: bench/optima.sh PROGRAM [OPTIONS OF train ...]        (PROGRAM: build/release/sounder)
# The optima are of  mean loss + (l2/2)|w|^2  without bias, from independent solvers run to 1e-7 or tighter. The margin is
# 2 % at l2 = 1e-4 and 5 % at 1e-5. Exit status 1 when a run misses it.
set -eu
sounder=$1
shift
: "${SOUNDER_DATA:?is not set: the folder with imdb/, news20/, reuters21578/ and a9a/}"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0

value() { sed -n "s/^  \"$1\": \([-0-9.e+]*\),*\$/\1/p" "$report"; }

printf '%-9s %-13s %-5s %9s %9s %7s %5s %6s %8s %7s\n' \
  data objective l2 optimum reached 'gap %' '' epochs seconds 'M nnz/s'
while read -r name objective l2 optimum; do
  case $name in
    imdb) set -- "$SOUNDER_DATA/imdb/imdb-unigram.train.svm.zst" "$@" ;;
    news20) set -- "$SOUNDER_DATA/news20/news20.bz2" --positive-above 10.5 --normalize "$@" ;;
    reuters) set -- "$SOUNDER_DATA/reuters21578/reuters21578-modapte.train.svm.zst" "$@" ;;
    a9a) set -- "$SOUNDER_DATA/a9a/a9a" "$@" ;;
  esac
  "$sounder" train "$@" --objective "$objective" --l2 "$l2" --report "$report" --quiet
  case $name in news20) shift 4 ;; *) shift ;; esac
  awk -v name="$name" -v objective="$objective" -v l2="$l2" -v optimum="$optimum" -v reached="$(value objective)" \
    -v epochs="$(value epochs)" -v seconds="$(value train_seconds)" -v speed="$(value nonzeros_per_second)" 'BEGIN {
      gap = 100 * (reached / optimum - 1)
      ok = gap > -0.01 && gap <= (l2 == "1e-4" ? 2 : 5)
      printf "%-9s %-13s %-5s %9.6f %9.6f %7.2f %5s %6d %8.3f %7.0f\n",
        name, objective, l2, optimum, reached, gap, ok ? "ok" : "MISS", epochs, seconds, speed / 1e6
      exit !ok
    }' || status=1
done <<'EOF'
imdb hinge 1e-4 0.314399
imdb logistic 1e-4 0.421837
imdb squared_hinge 1e-4 0.250531
imdb hinge 1e-5 0.086847
imdb logistic 1e-5 0.223889
imdb squared_hinge 1e-5 0.067681
news20 hinge 1e-4 0.153799
news20 logistic 1e-4 0.287274
news20 squared_hinge 1e-4 0.115970
news20 hinge 1e-5 0.026644
news20 logistic 1e-5 0.120705
news20 squared_hinge 1e-5 0.023297
reuters hinge 1e-4 0.079263
reuters logistic 1e-4 0.196164
reuters squared_hinge 1e-4 0.060868
reuters hinge 1e-5 0.010706
reuters logistic 1e-5 0.071692
reuters squared_hinge 1e-5 0.009734
a9a hinge 1e-4 0.351763
a9a logistic 1e-4 0.324507
a9a squared_hinge 1e-4 0.422235
a9a hinge 1e-5 0.350949
a9a logistic 1e-5 0.322933
a9a squared_hinge 1e-5 0.421986
EOF
exit $status
