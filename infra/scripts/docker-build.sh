#!/usr/bin/env bash
# Builds the image and prints its name. The tag is the commit, plus a hash of the tree if the work tree has uncommitted
# changes: the same files always get the same tag. The tag `dev` names the last build. Ignored files are left out.
# usage: docker-build.sh [DOCKER-BUILD-OPTION…]     IMAGE=… (gpu-telemetry)  BUN_IMAGE=…: the base image
set -euo pipefail
cd "$(dirname "$0")/../.."

# Prints the tree that a commit of all files would have, without touching the real index.
tree() {
  local index
  index=$(mktemp -d)
  GIT_INDEX_FILE=$index/index git read-tree HEAD
  GIT_INDEX_FILE=$index/index git add --all
  GIT_INDEX_FILE=$index/index git write-tree
  rm -r "$index"
}

revision=$(git rev-parse HEAD)
tag=${revision:0:12}
files=$(tree)
[[ $files == "$(git rev-parse 'HEAD^{tree}')" ]] || tag+=-${files:0:8}

readonly name=${IMAGE:-gpu-telemetry}
options=(--build-arg "REVISION=$revision" --build-arg "VERSION=$tag")
# BuildKit sets BUILDPLATFORM itself; the builder before it does not.
options+=(--build-arg "BUILDPLATFORM=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')")
[[ -z ${BUN_IMAGE:-} ]] || options+=(--build-arg "BUN_IMAGE=$BUN_IMAGE")
git archive "$files" |
  docker build --file infra/docker/Dockerfile --tag "$name:$tag" --tag "$name:dev" "${options[@]}" "$@" - >&2
echo "$name:$tag"
