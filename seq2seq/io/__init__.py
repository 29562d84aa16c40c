"""Line-exact reading, atomic writing, sealed folders."""
