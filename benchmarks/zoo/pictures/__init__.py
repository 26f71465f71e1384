"""What samples are drawn from: scenes, crops of wallpapers, and text as pictures."""
