"""What is known of the packages that result sets hold."""
