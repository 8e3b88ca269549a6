# SPDX-License-Identifier: GPL-2.0-only
# Completion of ravelin(1) for bash.

_ravelin()
{
	local cur=$2 prev=$3 command=${COMP_WORDS[1]} words
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="check info run ps kill update audit log stat --help"
	else
		case $prev in
		--input | -i | --output | -o)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--pid)
			mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur")
			return
			;;
		--cpu)
			mapfile -t COMPREPLY < <(compgen -W "$(seq 0 "$(($(nproc --all) - 1))")" -- "$cur")
			return
			;;
		--device)
			mapfile -t COMPREPLY < <(compgen -W "$(cd /sys/bus/pci/devices 2>/dev/null && echo 0000:* | sed 's/0000://g')" -- "$cur")
			return
			;;
		--name | --health | --deadline | --attempts | --since) return ;;
		esac
		case $command in
		check | info | ps | audit) words="--json --help" ;;
		stat) words="--cpu --json --help" ;;
		log) words="--follow --since --json --help" ;;
		run) words="--input --output --cpu --borrow --device --json --help" ;;
		kill) words="$(ravelin ps 2>/dev/null | awk 'NR > 1 { print $1 }') --help" ;;
		update)
			if [ "$COMP_CWORD" -eq 2 ]; then
				words="apply status confirm rollback log --help"
			else
				case ${COMP_WORDS[2]} in
				apply) words="--pid --name --health --deadline --no-confirm --attempts --force --timeline --json --help" ;;
				log) words="--verify --json --help" ;;
				*) words="$(ravelin update status 2>/dev/null | awk 'NR > 1 { print $1 }') --json --help" ;;
				esac
			fi
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	if [ "${cur#-}" = "$cur" ] && { [ "$command" = run ] || [ "${COMP_WORDS[2]}" = apply ]; }; then
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -o filenames -F _ravelin ravelin
