"""The permanent record of what organisers did. It also has some actions of jobs and volunteers."""
