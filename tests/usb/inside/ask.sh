# Ask the bench to pull adapters out or put them in: ask.sh unplug NAME..., ask.sh plug-in
echo "$*" >/run/bench-asked
read -r answer </run/bench-answered
[ "$answer" = done ] || { echo "$answer" >&2; exit 1; }
