#!/usr/bin/env bash
# Fetches the free fonts that training pages are printed in from Debian (root is needed; nothing is stored in the repository).
set -euo pipefail
packages=(
  fonts-dejavu-core fonts-dejavu-extra fonts-liberation fonts-freefont-ttf fonts-urw-base35 fonts-texgyre fonts-lmodern
  fonts-noto-core fonts-noto-mono fonts-roboto-unhinted fonts-open-sans fonts-lato fonts-croscore fonts-crosextra-carlito
  fonts-crosextra-caladea fonts-linuxlibertine fonts-gentium fonts-cantarell fonts-inconsolata fonts-firacode fonts-hack
  fonts-cmu fonts-ebgaramond fonts-junicode fonts-stix fonts-comic-neue fonts-quicksand fonts-jetbrains-mono
  fonts-oflb-asana-math fonts-sil-charis fonts-sil-gentium-basic fonts-anonymous-pro fonts-courier-prime fonts-league-spartan
  fonts-crimson fonts-vollkorn fonts-inter fonts-b612 fonts-mplus fonts-tuffy fonts-sil-andika fonts-overpass
  fonts-wqy-microhei fonts-wqy-zenhei fonts-noto-cjk fonts-noto-cjk-extra fonts-arphic-gbsn00lp fonts-arphic-gkai00mp  # Chinese
  fonts-arphic-uming fonts-arphic-ukai fonts-lxgw-wenkai fonts-smiley-sans  # Chinese
  fonts-ibm-plex fonts-dosis fonts-fanwood fonts-play fonts-montserrat fonts-karla fonts-paratype fonts-recommended
)
for package in "${packages[@]}"; do
  if [[ $(apt-cache policy "$package") =~ Candidate:\ [0-9] ]]; then available+=("$package"); else echo "not in this Debian: $package" >&2; fi
done
apt-get install -y --no-install-recommends "${available[@]}"
